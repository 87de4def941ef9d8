import { createLocalEndpoint } from '../local'
import type { AblyOptions, LocalOptions } from './options'

/** A local endpoint with the options to reach it. */
export interface RunningEndpoint {
  readonly url: string
  readonly key: string
  readonly ably: AblyOptions
  /** Whether pages on other devices reach it, on the host that serves the page. */
  readonly isOnPageHost: boolean
  close(): Promise<void>
}

/**
 * Starts a local endpoint in the process of `nuxt dev`, beside Nitro's worker: edits of server files touch no
 * conversation.
 */
export async function startLocalEndpoint(options: LocalOptions): Promise<RunningEndpoint> {
  const endpoint = await createLocalEndpoint(options)
  const { key, url, close } = endpoint
  const { key: _, ...ably } = endpoint.clientOptions()
  return { url, key, ably, isOnPageHost: options.host !== undefined, close }
}
