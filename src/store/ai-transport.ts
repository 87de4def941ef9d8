import type { App } from 'vue'
import type { Pinia } from 'pinia'
import { problem } from '../core/diagnostics'
import { provideTransport, removeTransport, transportOf } from './session-sync'
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
  let transport: Transport | undefined
  let app: App | undefined
  return {
    install(next) {
      const pinia = next.config.globalProperties.$pinia as Pinia | undefined
      if (!pinia) throw problem('piniaMissing')
      if (app || transportOf(pinia)) throw problem('installedTwice')
      app = next
      transport = provideTransport(pinia, options)
      app.onUnmount(() => {
        app = undefined
        removeTransport(pinia)
        void transport?.close()
      })
    },
    async reset() {
      await transport?.reset()
    },
  }
}
