import type { CatchUp } from './catch-up'
import type { Endings } from './endings'
import type { PendingPrompts } from './pending-prompts'
import type { Prompts } from './prompts'
import type { SessionTree } from './session-tree'
import type { Shared } from './shared'
import type { Steers } from './steers'
import type { CancelTarget } from './stops'
import type { WakeInfo } from './wake'

/** What a view needs from its session. */
export interface ViewHost<M extends object> extends Shared<M> {
  readonly session: { cancel(target: CancelTarget): Promise<void>; wake(inputId: string): WakeInfo }
  /** All of the session, whatever branch is shown. */
  readonly all: SessionTree<M>
  readonly history: Pick<CatchUp<M>, 'hasOlder' | 'loadPage'>
  readonly prompts: Prompts<M>
  readonly steers: Steers<M>
  readonly pending: PendingPrompts<M>
  readonly endings: Endings<M>
  /** Called when a view has loaded what it wanted of history. */
  loaded(): void
  forget(view: object): void
}
