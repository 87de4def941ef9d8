import type { InputNode } from '../core/node'
import type { ReactivePort } from '../core/port'
import type { Tree } from '../core/tree'
import type { CatchUp } from './catch-up'
import type { CancelTarget, Prompts } from './prompts'
import type { RunList, RunScope } from './pending'

/** What a view needs from its session. */
export interface ViewHost<M extends object> {
  readonly tree: Tree<M>
  readonly port: ReactivePort
  readonly history: Pick<CatchUp<M>, 'hasOlder' | 'loadPage'>
  readonly prompts: Prompts<M>
  /** Whether a run for this prompt has started. */
  isAnswered(input: InputNode<M>): boolean
  /** Runs that are active or about to start. */
  running(scope: RunScope, view: RunList): CancelTarget[]
  /** Resolves when a run, or the run of a prompt, has ended. */
  ended(target: CancelTarget): Promise<void>
  /** Called when a view has loaded what it wanted of history. */
  loaded(): void
  forget(view: object): void
}
