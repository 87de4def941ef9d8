import type { View } from '../session/view'
import type { AppMessage } from './app-message'

/** Everything a user does to a conversation. */
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

/** Verbs that are done by whatever `actor` answers with at the time. */
export function verbsOf<M extends object>(actor: () => ViewVerbs<M>): ViewVerbs<M> {
  const verbs = verbNames.map((name) => {
    const act = (...given: unknown[]): unknown => (actor() as unknown as AnyVerbs)[name]!(...given)
    return [name, act] as const
  })
  // Each name gets the verb that bears it
  return Object.fromEntries(verbs) as unknown as ViewVerbs<M>
}

type AnyVerbs = Record<string, (...given: unknown[]) => unknown>
