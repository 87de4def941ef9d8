import { toValue, type MaybeRefOrGetter } from 'vue'
import { warn } from '../core/diagnostics'
import type { ClientSession } from '../session/client-session'
import type { View } from '../session/view'
import type { AppMessage } from '../store/app-message'
import type { ViewVerbs } from '../store/verbs'
import { bindingOf, type SessionBinding } from './binding'
import { useHydrated } from './hydration'
import { injectSession } from './inject-session'

/** The id that a composable is about; empty while there is none. */
export function idOf(source: MaybeRefOrGetter<string | null | undefined>): string {
  const id = toValue(source) ?? ''
  warn('idType', id)
  return id
}

/** Which view a composable is about. */
export interface ViewSource<M extends object = AppMessage> {
  /** A session from `useClientSession` or `createClientSession`. @default the nearest one */
  session?: ClientSession<M>
  /** A view made with `session.createView()`; it loads no page by itself. @default the session's own view */
  view?: View<M>
}

/** A view source with a known message type. */
export type OwnViewSource<M extends object> = ViewSource<M> & ({ session: ClientSession<M> } | { view: View<M> })

/**
 * The view of a source to show, which has the messages of the server while the component hydrates; its current view;
 * and the object that runs its verbs.
 */
export function useViewSource<M extends object>({
  session,
  view,
}: ViewSource<M>): {
  binding: SessionBinding<M> | undefined
  shown: () => View<M>
  current: () => View<M>
  actor: () => ViewVerbs<M>
} {
  // Bound sessions hold the app's messages, and M is the app's message type where the source names no other
  const binding = (session ? bindingOf(session) : view ? undefined : injectSession()) as SessionBinding<M> | undefined
  const isHydrated = useHydrated()
  const current = (): View<M> => view ?? (binding?.current.value ?? session!).view
  const shown = (): View<M> => (binding && !isHydrated() ? binding.served().view : current())
  // Verbs of the shared view go through the session's store, where `$onAction` hears them
  const actor = (): ViewVerbs<M> => (view ? undefined : binding?.lease()?.store) ?? current()
  return { binding, shown, current, actor }
}
