import { defineStore, type Pinia, type PiniaPlugin } from 'pinia'
import { markRaw } from 'vue'
import { problem } from './diagnostics'
import { Transport, type AITransportOptions } from './transport'

const transports = new WeakMap<Pinia, Transport>()

/** Asks the plugins of a Pinia for the transport: a plugin can add to a store only when one is made. */
const useTransportStore = defineStore('ai-transport', () => ({}))

/**
 * The Pinia plugin that keeps session stores in step with their Ably channels. `createAITransport` installs it; alone it
 * serves apps that set Pinia up elsewhere: `pinia.use(sessionSync({ client }))`.
 */
export function sessionSync(options: AITransportOptions): PiniaPlugin {
  let own: Transport | undefined
  return ({ pinia }) => {
    const known = transports.get(pinia)
    if (known && known !== own) throw problem('installedTwice')
    if (!known) transports.set(pinia, (own = markRaw(new Transport(pinia, options))))
  }
}

/** Whether a Pinia has a transport, as far as its plugins have run. */
export const hasTransport = (pinia: Pinia): boolean => transports.has(pinia)

/** The transport of a Pinia, if a `sessionSync` plugin is installed there. */
export function transportOf(pinia: Pinia): Transport | undefined {
  if (!transports.has(pinia)) useTransportStore(pinia)
  return transports.get(pinia)
}
