import { defineStore, type Pinia, type PiniaPlugin } from 'pinia'
import type { App } from 'vue'
import { problem } from '../core/diagnostics'
import { Transport, type AITransportOptions } from './transport'

/** The Vue plugin, with a verb for all sessions of the app. */
export interface AITransport {
  /** Called by `app.use()`. @throws Error without Pinia, or when the Pinia has a transport already. */
  install(app: App): void
  /**
   * Drops the Ably client, and attaches the sessions in use again with a new one if `client` is a function. Call it
   * when the user changes, before a session of the next user opens: `watch(user, () => transport.reset(), { flush:
   * 'sync' })`.
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
      if (!pinia) throw problem('piniaMissing', 'createAITransport() needs Pinia')
      if (app || transportOf(pinia)) throw problem('installedTwice', 'This Pinia has an AI transport already')
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

const transports = new WeakMap<Pinia, Transport>()

/** Runs the plugins of a Pinia; set by `sessionSync`, so that other apps do not ship it. */
let runPlugins: ((pinia: Pinia) => void) | undefined

/** Makes a store, because Pinia runs its plugins for each store. */
function makeStore(pinia: Pinia): void {
  const probe = defineStore('ai-transport', () => ({}))(pinia)
  probe.$dispose()
  delete pinia.state.value[probe.$id]
}

/**
 * The Pinia plugin that keeps session stores in step with their Ably channels, for apps that set Pinia up elsewhere:
 * `pinia.use(sessionSync({ client }))`. An app that calls `createAITransport` needs no other.
 */
export function sessionSync(options: AITransportOptions): PiniaPlugin {
  let own: Transport | undefined
  runPlugins = makeStore
  return ({ pinia }) => {
    const known = transports.get(pinia)
    if (known && known !== own) throw problem('installedTwice', 'This Pinia has an AI transport already')
    own = known ?? provideTransport(pinia, options)
  }
}

/** Gives a Pinia its transport. */
function provideTransport(pinia: Pinia, options: AITransportOptions): Transport {
  if (!options.client) throw problem('clientMissing', 'createAITransport() has no "client"')
  const transport = new Transport(pinia, options)
  transports.set(pinia, transport)
  return transport
}

/** Frees a Pinia for another transport. */
const removeTransport = (pinia: Pinia): void => void transports.delete(pinia)

/** The transport of a Pinia, if it was given one or a `sessionSync` plugin is installed there. */
export function transportOf(pinia: Pinia): Transport | undefined {
  if (!transports.has(pinia)) runPlugins?.(pinia)
  return transports.get(pinia)
}
