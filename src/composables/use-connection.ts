import type { ConnectionState } from 'ably'
import { computed, type ComputedRef } from 'vue'
import type { SessionError } from '../core/errors'
import { useTransport } from './binding'

export interface UseConnectionReturn {
  /** Ably's connection state; `initialized` until a session is used, and on a server. */
  state: ComputedRef<ConnectionState>
  /** Whether it is up: `state` is `connected`. */
  connected: ComputedRef<boolean>
  /** Since when it is away, in milliseconds since the epoch; undefined while it is up, and before it was for the first time. */
  since: ComputedRef<number | undefined>
  /** Why it is away, if known. */
  reason: ComputedRef<SessionError | undefined>
  /** Tries again now, also what was refused, with a new token then, instead of waiting for the next attempt. */
  retry: () => void
}

/**
 * The connection that all sessions of the app share. Runs go on while it is away.
 *
 * @example
 * const { connected, since, retry } = useConnection()
 */
export function useConnection(): UseConnectionReturn {
  const transport = useTransport()
  const { connection } = transport
  return {
    state: computed(() => connection.value.state),
    connected: computed(() => connection.value.state === 'connected'),
    since: computed(() => connection.value.since),
    reason: computed(() => connection.value.reason),
    retry: () => void transport.retry(),
  }
}
