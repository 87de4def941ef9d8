import type { App } from 'vue'
import type { Pinia } from 'pinia'
import { problem } from './diagnostics'
import { provideTransport, transportOf } from './session-sync'
import type { AITransportOptions, Transport } from './transport'

/** The Vue plugin, with a verb for all sessions of the app. */
export interface AITransport {
  /** Called by `app.use()`. @throws Error without Pinia, or when the Pinia has a transport already. */
  install(app: App): void
  /**
   * Drops the Ably client, and attaches the sessions in use again with a new one if `client` is a function. Call it after
   * another user has logged in.
   */
  reset(): Promise<void>
}

/**
 * Makes AI sessions available to an app. Needs Pinia, installed before it. No client is made until a component uses a
 * session, and never on a server.
 *
 * @example
 * app.use(createPinia())
 * app.use(createAITransport({ client: () => new Ably.Realtime({ authUrl: '/api/ably/token' }), agent: '/api/agent' }))
 */
export function createAITransport(options: AITransportOptions): AITransport {
  let installed: Pinia | undefined
  let transport: Transport | undefined
  let apps = 0
  return {
    install(app) {
      const pinia = app.config.globalProperties.$pinia as Pinia | undefined
      if (!pinia) throw problem('piniaMissing')
      if (installed !== pinia) {
        if (transportOf(pinia)) throw problem('installedTwice')
        transport = provideTransport(pinia, options)
        installed = pinia
      }
      apps++
      app.onUnmount(() => {
        if (--apps === 0) void transport?.close()
      })
    },
    async reset() {
      await transport?.reset()
    },
  }
}
