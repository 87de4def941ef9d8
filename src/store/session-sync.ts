import { defineStore, type Pinia, type PiniaPlugin } from 'pinia'
import { problem } from '../core/diagnostics'
import { Transport, type AITransportOptions } from './transport'

const transports = new WeakMap<Pinia, Transport>()

/** Makes the plugins of a Pinia run: they do when a store is made. */
const useProbe = defineStore('ai-transport', () => ({}))

/**
 * The Pinia plugin that keeps session stores in step with their Ably channels, for apps that set Pinia up elsewhere:
 * `pinia.use(sessionSync({ client }))`. An app that calls `createAITransport` needs no other.
 */
export function sessionSync(options: AITransportOptions): PiniaPlugin {
  let own: Transport | undefined
  return ({ pinia }) => {
    const known = transports.get(pinia)
    if (known && known !== own) throw problem('installedTwice')
    own = known ?? provideTransport(pinia, options)
  }
}

/** Gives a Pinia its transport. */
export function provideTransport(pinia: Pinia, options: AITransportOptions): Transport {
  if (!options.client) throw problem('clientMissing')
  const transport = new Transport(pinia, options)
  transports.set(pinia, transport)
  return transport
}

/** Frees a Pinia for another transport. */
export const removeTransport = (pinia: Pinia): void => void transports.delete(pinia)

/** The transport of a Pinia, if it was given one or a `sessionSync` plugin is installed there. */
export function transportOf(pinia: Pinia): Transport | undefined {
  if (!transports.has(pinia)) {
    const probe = useProbe(pinia)
    probe.$dispose()
    delete pinia.state.value[probe.$id]
  }
  return transports.get(pinia)
}
