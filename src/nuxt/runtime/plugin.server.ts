import * as Ably from 'ably'
import { defineNuxtPlugin, useRequestEvent, type Plugin } from 'nuxt/app'
import { createAITransport, type AITransport } from 'vue-ai-transport'
import options from '#build/ai-transport.mjs'
import { withBase } from './base-url'

/**
 * Renders sessions on the server. They are read with a token of the user that sends the request, so the token route
 * alone decides who reads a session.
 */
const plugin: Plugin<{ aiTransport: AITransport }> = defineNuxtPlugin({
  name: 'ai-transport',
  dependsOn: ['pinia'],
  setup({ vueApp }) {
    const { agent, token, archive, ably, isOnPageHost: _, ...rest } = options
    const at = withBase()
    const event = useRequestEvent()
    /** Routes of this app are called without a network, with the headers of the request. */
    const request = (url: string): Promise<Response> => (url.startsWith('/') && event ? event.fetch(url) : fetch(url))

    async function authorize(sessionName: string, done: (error: string | null, token: string | null) => void) {
      try {
        const capability = JSON.stringify({ [sessionName]: ['history'] })
        const response = await request(`${at(token)}?${String(new URLSearchParams({ capability }))}`)
        if (response.ok) done(null, await response.text())
        else done(`${token} answered with status ${response.status}`, null)
      } catch (error) {
        done(String(error), null)
      }
    }

    const aiTransport = createAITransport({
      ...rest,
      client: () => {
        throw new Error('unable to connect; there is no connection on a server')
      },
      server: (sessionName) =>
        new Ably.Rest({
          ...ably,
          restAgentOptions: { keepAlive: false },
          authCallback: (_params, done) => void authorize(sessionName, done),
        }),
      agent: at(agent),
      archive: archive && ((query) => request(`${at(archive)}?${query}`)),
    })
    vueApp.use(aiTransport)
    return { provide: { aiTransport } }
  },
})

export default plugin
