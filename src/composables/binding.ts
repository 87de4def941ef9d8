import type { AppMessage } from '../store/app-message'
import {
  computed,
  getCurrentScope,
  onScopeDispose,
  shallowRef,
  toValue,
  watch,
  type ComputedRef,
  type MaybeRefOrGetter,
} from 'vue'
import { getActivePinia } from 'pinia'
import type { ClientSession } from '../session/client-session'
import { problem } from '../store/diagnostics'
import type { Lease } from '../store/lease'
import { transportOf } from '../store/session-sync'
import type { Transport } from '../store/transport'
import { follow } from './follow'

/** A session as components hold it: whatever its name means at the moment. */
export interface SessionBinding {
  /** One stable handle; calls go to the present session. */
  readonly handle: ClientSession<AppMessage>
  readonly current: ComputedRef<ClientSession<AppMessage>>
  /** The present lease; undefined without a name, or when the session was handed over. */
  readonly lease: () => Lease | undefined
  readonly ready: Promise<void>
  /** Asks for at least this many messages to be shown, whatever the session. */
  want(limit: number): void
}

/** The transport of the Pinia in reach. */
export function useTransport(): Transport {
  const pinia = getActivePinia()
  if (!pinia) throw problem('noPinia')
  const transport = transportOf(pinia)
  if (!transport) throw problem('transportMissing')
  return transport
}

/** Leases the session of a name for as long as the running scope lives; a name that changes moves the lease. */
export function bindSession(name: MaybeRefOrGetter<string | null | undefined>): SessionBinding {
  if (!getCurrentScope()) throw problem('noScope')
  const transport = useTransport()
  const lease = shallowRef<Lease>()
  const idle = transport.idle()
  const current = computed(() => lease.value?.session ?? idle)
  const firstReady = Promise.withResolvers<void>()
  firstReady.promise.catch(() => undefined)
  if (typeof window === 'undefined') firstReady.resolve()
  let wanted = 0

  watch(
    [() => toValue(name), transport.generation],
    ([next]) => {
      lease.value?.release()
      lease.value = next ? transport.lease(next) : undefined
      if (wanted > 0) lease.value?.want(wanted)
      lease.value?.ready.then(firstReady.resolve, firstReady.reject)
    },
    { immediate: true, flush: 'sync' },
  )
  onScopeDispose(() => lease.value?.release())

  return {
    handle: follow(() => current.value),
    current,
    lease: () => lease.value,
    ready: firstReady.promise,
    want(limit) {
      wanted = Math.max(wanted, limit)
      lease.value?.want(wanted)
    },
  }
}
