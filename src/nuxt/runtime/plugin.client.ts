import { BaseRealtime, FetchRequest, RealtimePresence, Rest, WebSocketTransport } from 'ably/modular'
import { defineNuxtPlugin, type Plugin } from 'nuxt/app'
import { createAITransport, type AITransport } from 'vue-ai-transport'
import options from '#build/ai-transport.mjs'
import { withBase } from './base-url'

const plugins = { WebSocketTransport, FetchRequest, Rest, RealtimePresence }

/** Gives pages in the browser their sessions. */
const plugin: Plugin<{ aiTransport: AITransport }> = defineNuxtPlugin({
  name: 'ai-transport',
  dependsOn: ['pinia'],
  setup({ vueApp }) {
    const { agent, token, archive, ably, isOnPageHost, ...rest } = options
    const at = withBase()
    const host = isOnPageHost ? { endpoint: location.hostname } : {}
    const aiTransport = createAITransport({
      ...rest,
      // NOTE: the first token is for the first session, so the client connects when it has that one
      client: () => new BaseRealtime({ ...ably, ...host, authUrl: at(token), autoConnect: false, plugins }),
      tokenScope: 'sessions',
      agent: at(agent),
      archive: archive && at(archive),
    })
    vueApp.use(aiTransport)
    return { provide: { aiTransport } }
  },
})

export default plugin
