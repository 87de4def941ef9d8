import type { View } from '../session/view'
import type { AppMessage } from './app-message'

/** The verbs of a user in a conversation. */
export const verbNames = [
  'send',
  'edit',
  'regenerate',
  'answer',
  'steer',
  'cancel',
  'cancelAll',
  'retry',
  'wake',
  'discard',
  'select',
  'loadOlder',
  'loadUntil',
] as const satisfies readonly (keyof View<AppMessage>)[]

/** The verbs of a view; safe to destructure. */
export type ViewVerbs<M extends object = AppMessage> = Pick<View<M>, (typeof verbNames)[number]>

/** Verbs that call the view or store that `actor` returns at the time of the call. */
export function verbsOf<M extends object>(actor: () => ViewVerbs<M>): ViewVerbs<M> {
  const verbs = verbNames.map((name) => {
    const act = (...given: unknown[]): unknown => (actor() as unknown as AnyVerbs)[name]!(...given)
    return [name, act] as const
  })
  // Each name maps to the verb of that name
  return Object.fromEntries(verbs) as unknown as ViewVerbs<M>
}

type AnyVerbs = Record<string, (...given: unknown[]) => unknown>
