import type { AppMessage } from '../store/app-message'
import {
  computed,
  getCurrentInstance,
  getCurrentScope,
  onBeforeMount,
  onScopeDispose,
  onServerPrefetch,
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
import type { DehydratedSession } from '../session/context'
import type { View } from '../session/view'
import { problem, warn } from '../core/diagnostics'
import type { Lease } from '../store/lease'
import { transportOf } from '../store/ai-transport'
import { isServer, type Transport } from '../store/transport'
import { forward } from './forward'
import { useHydrated } from './hydration'

/** The session of a name that may change, as components hold it. */
export interface SessionBinding<M extends object = AppMessage> {
  /**
   * The handle for a component, which shows what the server has rendered until that component has hydrated. It is
   * stable; calls go to the current session.
   */
  handleFor(isHydrated: () => boolean): ClientSession<M>
  readonly current: ComputedRef<ClientSession<M>>
  /** The session as the server has rendered it, which a component shows while it hydrates; empty if there is none. */
  readonly served: () => ClientSession<M>
  /** The current lease; undefined without a name, or for a session that was passed in. */
  readonly lease: () => Lease<M> | undefined
  /** Why there is no session of the current name. */
  readonly refusal: Readonly<ShallowRef<SessionError | undefined>>
  /** Resolves when the session of the current name is ready; at once without a name. */
  readonly ready: Promise<void>
  /** Asks for at least this many messages on the first page of every session. */
  want(limit: number): void
}

const bindings = new WeakMap<object, SessionBinding>()

/** The binding behind a handle that `useClientSession` gave out. */
export const bindingOf = (handle: object): SessionBinding | undefined => bindings.get(handle)

/** The transport of the Pinia in reach. */
export function useTransport(): Transport {
  const pinia = getActivePinia()
  if (!pinia) throw problem('noPinia', 'No Pinia found')
  const transport = transportOf(pinia)
  if (!transport) throw problem('transportMissing', 'No AI transport is installed')
  return transport
}

/** Leases the session of a name for as long as the running scope lives; a name that changes moves the lease. */
export function bindSession(
  name: MaybeRefOrGetter<string | null | undefined>,
  rows?: MaybeRefOrGetter<DehydratedSession | null | undefined>,
): SessionBinding {
  const scope = getCurrentScope()
  if (!scope) throw problem('noScope', 'This composable was called outside setup()')
  const transport = useTransport()
  const lease = shallowRef<Lease>()
  const refusal = shallowRef<SessionError>()
  /** The lease of the name with which the server has rendered the component, where the component hydrates. */
  let rendered: Lease | undefined
  const served = (): ClientSession<AppMessage> => (rendered ?? lease.value)?.served() ?? transport.unnamed
  const current = computed(() => lease.value?.session ?? transport.unnamed)
  const instance = getCurrentInstance()
  const isHydrated = useHydrated()
  // NOTE: descendants can hydrate after the name has changed
  if (!isHydrated()) onBeforeMount(() => (rendered = lease.value), instance)
  let ready = deferred()
  let turn = 0
  let isSettled = false
  let hasFailed = false
  let wanted = -1
  let usedRows: DehydratedSession | null | undefined
  /**
   * Whether the session is opened now. A server reads it only if the page waits for it, as a component made in a
   * template cannot.
   */
  const isAwaited = (): boolean => !isServer() || turn > 0

  /** Makes `ready` follow the current lease, and ignore earlier ones. */
  function awaitCurrent(): void {
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
    const promise = refused ? Promise.reject(refused) : (lease.value?.ready() ?? Promise.resolve())
    promise.then(
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
      const given = toValue(rows)
      // NOTE: rows are of one session, and of one user: they do not outlive a change of name or a reset
      const isUsed = given === usedRows
      usedRows = given
      return transport.lease(next, isUsed ? undefined : (given ?? undefined))
    } catch (cause) {
      const error = (refusal.value = toSessionError('open the session', ErrorCode.BadRequest, cause))
      warn('sessionRefused', error)
      return undefined
    }
  }

  function follow(): void {
    watch(
      [() => toValue(name), transport.generation],
      ([next]) => {
        lease.value?.release()
        const taken = (lease.value = take(next))
        if (wanted >= 0) taken?.want(wanted)
        if (isAwaited()) awaitCurrent()
      },
      { immediate: true, flush: 'sync' },
    )
    onScopeDispose(() => {
      // NOTE: `ready` stays open: code that awaits it in a component that has left must not go on, nor throw
      turn++
      hasFailed = false
      lease.value?.release()
    })
  }

  // NOTE: named, because a store can be made while a component renders, when Vue would not find the component itself
  if (instance) onServerPrefetch(() => binding.ready.catch(() => undefined), instance)
  // NOTE: a `setup` that goes on after its component has left has a scope that ends no more
  if (scope.active) follow()

  /** A further view of the current session: a change of name closes it and makes one on the other session. */
  function createView(shown: () => View<AppMessage> | undefined): View<AppMessage> {
    const view = shallowRef<View<AppMessage>>()
    const make = (): (() => void) =>
      watch(
        current,
        (session, _, onCleanup) => {
          const next = (view.value = session.createView())
          onCleanup(() => next.close())
        },
        { immediate: true, flush: 'sync' },
      )
    // NOTE: a view that a handler makes later lives as long as the component that uses the session
    const close = (getCurrentScope() ?? scope!).run(make) ?? make()
    const made = (): View<AppMessage> => view.value!
    return forward(() => shown() ?? made(), made, { close })
  }

  function makeHandle(isCurrent: () => boolean): ClientSession<AppMessage> {
    const shown = (): ClientSession<AppMessage> => (isCurrent() ? current.value : served())
    const view = forward(
      () => shown().view,
      () => current.value.view,
    )
    const made = forward(shown, () => current.value, {
      view,
      createView: () => createView(() => (isCurrent() ? undefined : served().view)),
    })
    bindings.set(made, binding)
    return made
  }

  const binding: SessionBinding = {
    handleFor: (isCurrent) => (isCurrent() ? handle : makeHandle(isCurrent)),
    current,
    served,
    lease: () => lease.value,
    refusal,
    get ready() {
      if (hasFailed || turn === 0) awaitCurrent()
      return ready.promise
    },
    want(limit) {
      if (limit <= wanted) return
      wanted = limit
      lease.value?.want(wanted)
      if (isAwaited()) awaitCurrent()
    },
  }
  const handle = makeHandle(() => true)
  return binding
}
