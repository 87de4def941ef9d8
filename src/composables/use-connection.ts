import type { ConnectionState } from 'ably'
import { computed, type ComputedRef } from 'vue'
import { useTransport } from './binding'

export interface UseConnectionReturn {
  /** Ably's connection state; `initialized` until a session is used, and on a server. */
  state: ComputedRef<ConnectionState>
  connected: ComputedRef<boolean>
}

/**
 * The connection that all sessions of the app share. Runs go on while it is away.
 *
 * @example
 * const { connected } = useConnection()
 */
export function useConnection(): UseConnectionReturn {
  const { connection } = useTransport()
  return {
    state: computed(() => connection.value),
    connected: computed(() => connection.value === 'connected'),
  }
}
