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
  type ShallowRef,
} from 'vue'
import { getActivePinia } from 'pinia'
import { deferred } from '../core/signals'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { ClientSession } from '../session/client-session'
import type { View } from '../session/view'
import { problem } from '../store/diagnostics'
import type { Lease } from '../store/lease'
import { transportOf } from '../store/session-sync'
import type { Transport } from '../store/transport'
import { follow } from './follow'

/** A session as components hold it: whatever its name means at the moment. */
export interface SessionBinding<M extends object = AppMessage> {
  /** One stable handle; calls go to the present session. */
  readonly handle: ClientSession<M>
  readonly current: ComputedRef<ClientSession<M>>
  /** The present lease; undefined without a name, or when the session was handed over. */
  readonly lease: () => Lease<M> | undefined
  /** Why there is no session of the present name. */
  readonly refusal: Readonly<ShallowRef<SessionError | undefined>>
  /** The present promise that the session of the present name is ready; fulfilled when there is no name. */
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
  const scope = getCurrentScope()
  if (!scope) throw problem('noScope')
  const transport = useTransport()
  const lease = shallowRef<Lease>()
  const refusal = shallowRef<SessionError>()
  const current = computed(() => lease.value?.session ?? transport.idle)
  let ready = deferred()
  let turn = 0
  let isSettled = false
  let hasFailed = false
  let wanted = 0

  /** Lets `ready` tell of what is meant now, and of nothing that was meant before. */
  function awaitPresent(): void {
    if (isSettled) ready = deferred()
    isSettled = hasFailed = false
    const mine = ++turn
    const { resolve, reject } = ready
    const settle = (act: () => void): void => {
      if (mine !== turn) return
      isSettled = true
      act()
    }
    const refused = refusal.value
    const present = refused ? Promise.reject(refused) : (lease.value?.ready ?? Promise.resolve())
    present.then(
      () => settle(resolve),
      (error: unknown) =>
        settle(() => {
          hasFailed = true
          reject(error)
        }),
    )
  }

  /** Undefined without a name, and for a name that no session can have. */
  function take(next: string | null | undefined): Lease | undefined {
    refusal.value = undefined
    if (!next) return undefined
    try {
      return transport.lease(next)
    } catch (cause) {
      refusal.value = toSessionError('open the session', ErrorCode.BadRequest, cause)
      return undefined
    }
  }

  watch(
    [() => toValue(name), transport.generation],
    ([next]) => {
      lease.value?.release()
      const taken = (lease.value = take(next))
      if (wanted > 0) taken?.want(wanted)
      awaitPresent()
    },
    { immediate: true, flush: 'sync' },
  )
  onScopeDispose(() => lease.value?.release())

  /** A further view of whatever session is meant: each session gets one of its own, closed when another is meant. */
  function createView(): View<AppMessage> {
    const view = shallowRef<View<AppMessage>>()
    const make = (): (() => void) =>
      watch(
        current,
        (session, _, onCleanup) => {
          const made = (view.value = session.createView())
          onCleanup(() => made.close())
        },
        { immediate: true, flush: 'sync' },
      )
    // NOTE: one made later, in a handler, goes with whoever uses the session
    const close = (getCurrentScope() ?? scope!).run(make) ?? make()
    return follow(() => view.value!, { close })
  }

  return {
    handle: follow(() => current.value, { view: follow(() => current.value.view), createView }),
    current,
    lease: () => lease.value,
    refusal,
    get ready() {
      if (hasFailed) awaitPresent()
      return ready.promise
    },
    want(limit) {
      if (limit <= wanted) return
      wanted = limit
      lease.value?.want(wanted)
      awaitPresent()
    },
  }
}
