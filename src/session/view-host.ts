import type { SessionError } from '../core/errors'
import type { RunInfo } from '../core/run-info'
import type { TreeNode } from '../core/node'
import type { ReactivePort, Signal } from '../core/port'
import type { Tree } from '../core/tree'
import type { CatchUp } from './catch-up'
import type { Prompts } from './prompts'
import type { SessionTree } from './session-tree'
import type { Steers } from './steers'
import type { CancelTarget } from './stops'
import type { WakeInfo } from './wake'
import type { PendingPrompt, RunList, RunScope } from './pending'

/** What a view needs from its session. */
export interface ViewHost<M extends object> {
  readonly tree: Tree<M>
  readonly port: ReactivePort
  /** Announces that runs, alternatives or what is known of history may differ, on whatever branch. */
  readonly changed: Signal
  readonly history: Pick<CatchUp<M>, 'hasOlder' | 'loadPage'>
  readonly prompts: Prompts<M>
  readonly steers: Steers<M>
  /** What has been asked at this node and not been taken up: its prompt, or the answer to a run that waits. */
  pendingAt(node: TreeNode<M>): PendingPrompt | undefined
  /** Requests for other replies to what is shown, not taken up either. */
  requestsFor(isShown: (node: TreeNode<M>) => boolean): readonly PendingPrompt[]
  /** All of the session, whatever branch is shown. */
  all(): SessionTree<M>
  /** Runs that have started, of this client or of the whole session. */
  runs(scope: RunScope): readonly RunInfo[]
  cancel(target: CancelTarget): Promise<void>
  wake(inputId: string): WakeInfo
  /** Tells of what failed when nobody waits for it. */
  report(error: SessionError): void
  /** Runs that are active or about to start. */
  running(scope: RunScope, view: RunList): CancelTarget[]
  /** Resolves when all of these runs have ended, at the latest after `limit` milliseconds. */
  ended(targets: readonly CancelTarget[], limit: number): Promise<void>
  /** Called when a view has loaded what it wanted of history. */
  loaded(): void
  forget(view: object): void
}
