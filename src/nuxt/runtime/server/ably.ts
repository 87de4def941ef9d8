import type { ClientOptions } from 'ably'
import type { H3Event } from 'h3'
import { useRuntimeConfig } from '#imports'
import type { ServerOptions } from '../../options'

/** The module's private runtime config. */
export function serverOptions(event?: H3Event): ServerOptions {
  const options = useRuntimeConfig(event).aiTransport as ServerOptions
  return { ...options, key: options.key || globalThis.process?.env?.ABLY_API_KEY || '' }
}

/**
 * Options for an Ably client of the server, with the API key: those of Ably, or of the local endpoint in development.
 *
 * @throws Error when there is no key
 * @example
 * const client = new Ably.Realtime({ ...useAblyOptions(), clientId: 'agent' })
 */
export function useAblyOptions(event?: H3Event): ClientOptions & { key: string } {
  const { key, ably } = serverOptions(event)
  if (key) return { ...ably, key }
  throw new Error('unable to use Ably; there is no API key. Set NUXT_AI_TRANSPORT_KEY in the environment of the server')
}
