import type { ConnectionState } from 'ably'
import { computed, type ComputedRef } from 'vue'
import type { SessionError } from '../core/errors'
import { unused, type ConnectionFacts } from '../store/transport'
import { useTransport } from './binding'
import { useHydrated } from './hydration'

export interface UseConnectionReturn {
  /** Ably's connection state; `initialized` until a session is used, and on a server. */
  state: ComputedRef<ConnectionState>
  /** Whether it is up: `state` is `connected`. */
  connected: ComputedRef<boolean>
  /**
   * When it was lost, in milliseconds since the epoch; undefined while it is up, and before it was up for the first
   * time.
   */
  since: ComputedRef<number | undefined>
  /** Why it was lost, if known. */
  reason: ComputedRef<SessionError | undefined>
  /** Connects now instead of at the next attempt; sessions that were refused attach again with a new token. */
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
  const isHydrated = useHydrated()
  const connection = (): ConnectionFacts => (isHydrated() ? transport.connection.value : unused)
  return {
    state: computed(() => connection().state),
    connected: computed(() => connection().state === 'connected'),
    since: computed(() => connection().since),
    reason: computed(() => connection().reason),
    retry: () => void transport.retry(),
  }
}
