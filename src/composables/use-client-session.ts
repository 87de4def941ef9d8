import type { AppMessage } from '../store/app-message'
import { computed, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import type { SessionError } from '../core/errors'
import type { ClientSession } from '../session/client-session'
import type { DehydratedSession, SessionStatus } from '../session/context'
import { bindSession, type SessionBinding } from './binding'
import { useHydrated } from './hydration'
import { injectSession, provideSession } from './inject-session'

export interface UseClientSessionOptions {
  /**
   * What `dehydrateSession()` has given on a server or before: it shows at once, and the session catches up from there.
   * Not needed where Pinia's state is carried over, which has it.
   */
  rows?: MaybeRefOrGetter<DehydratedSession | null | undefined>
}

export interface UseClientSessionReturn {
  /** A stable handle; calls go to the session of the current name. Without a name its lists are empty. */
  session: ClientSession<AppMessage>
  /** The full channel name; undefined while there is no session. */
  name: ComputedRef<string | undefined>
  status: ComputedRef<SessionStatus>
  /** The last background failure, or the reason why there is no session of this name. */
  error: ComputedRef<SessionError | undefined>
  /**
   * Resolves when the session is attached and its first page is shown; on a server when that page has been read, with
   * the reason in `error` if it could not be read within 3 seconds; at once without a name. The promise belongs to the
   * name at the time of reading: destructure it in `setup` for `await ready`; after a change of name, or a failure,
   * read `ready` again from the object that `useClientSession` returned.
   */
  readonly ready: Promise<void>
}

/**
 * Uses a session for as long as the component, store or effect scope lives: the first user attaches its channel, the
 * last one to leave detaches it a second later. Leaving cancels no run. Descendants find it with `useView()` and its
 * kin.
 *
 * @param name - The session's name; a ref or getter that changes moves to another session. Without a value
 * (`undefined`, `null`, `''`) there is no session yet. A call without arguments takes the nearest session of this
 * component or an ancestor.
 * @throws Error when called outside of a scope, or without Pinia and the transport.
 *
 * @example
 * const { session, status, ready } = useClientSession(() => route.params.id)
 */
export function useClientSession(
  ...given: [name?: MaybeRefOrGetter<string | null | undefined>, options?: UseClientSessionOptions]
): UseClientSessionReturn {
  if (given.length === 0) return refsOf(injectSession())
  const [name, { rows } = {}] = given
  const binding = bindSession(name, rows)
  provideSession(binding)
  return refsOf(binding)
}

/** The refs of a binding. @internal */
export function refsOf(binding: SessionBinding): UseClientSessionReturn {
  const { current, served, lease, refusal } = binding
  const isHydrated = useHydrated()
  const shown = (): ClientSession<AppMessage> => (isHydrated() ? current.value : served())
  return {
    session: binding.handleFor(isHydrated),
    name: computed(() => lease()?.session.channelName),
    status: computed(() => shown().status),
    error: computed(() => refusal.value ?? shown().error),
    get ready() {
      return binding.ready
    },
  }
}
