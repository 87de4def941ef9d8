import type { Channel } from '../ably/session-channel'
import type { SessionError } from '../core/errors'
import type { ReactivePort, Signal } from '../core/port'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import type { Clock } from './clock'
import type { Outbox } from './outbox'
import type { AgentTarget } from './wake'

/** What the parts of one session share. */
export interface Shared<M extends object> {
  readonly channel: Channel
  readonly tree: Tree<M>
  readonly port: ReactivePort
  /** What to wake; undefined when the app sees to that. */
  readonly agent: AgentTarget | undefined
  readonly outbox: Outbox
  readonly clock: Clock
  /** Announces that runs, alternatives or what is known of history may differ, on whatever branch. */
  readonly changed: Signal
  /** @throws SessionError when there is no session to send to. */
  checkOpen(): void
  /** Whether all that happens on the channel is heard. */
  isInStep(): boolean
  /** Makes visible what the tree has taken in. */
  flush(): void
  /** Makes a change of these runs, or of what has not started, visible that is in no row. */
  refresh(runs?: readonly RunNode<M>[]): void
  /** Tells of what failed when nobody waits for it. */
  report(error: SessionError): void
}
