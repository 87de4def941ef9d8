import type { Cancelling, RunInfo } from '../core/run-info'
import type { WakeInfo } from './wake'

/** What has been asked of an agent that has not taken it up: a prompt, another reply, an answer to a run that waits. */
export interface PendingPrompt {
  /** Its message id; for an answer that of the message it is about. `cancel({ inputId })` stops it. */
  readonly inputId: string
  readonly clientId: string
  /** The run that an answer goes into. */
  readonly runId?: string
  /** How waking the agent fares; undefined while this client does not wake it. */
  readonly wake?: WakeInfo
  readonly cancelling?: Cancelling
  /** No agent has taken it up for 20 seconds; `wake(inputId)` wakes one. */
  readonly unanswered?: true
}

/** Whether it can be said to be running: somebody may still take it up. */
export const isUnderWay = ({ wake, unanswered, cancelling }: PendingPrompt): boolean =>
  wake?.state !== 'failed' && !unanswered && !cancelling

/** Fits an entry that says the same. */
export const same =
  (a: PendingPrompt) =>
  (b: PendingPrompt): boolean =>
    a.inputId === b.inputId && a.wake === b.wake && factsOf(a) === factsOf(b)

const factsOf = ({ runId, cancelling, unanswered }: PendingPrompt): string =>
  JSON.stringify([runId, cancelling, unanswered])

/** Which runs a verb is about: those of a view's branch, those this client owns, or all of the session. */
export type RunScope = 'view' | 'mine' | 'session'

/** What can be running in a view. */
export interface RunList {
  runs(scope?: RunScope): readonly RunInfo[]
  pending(): readonly PendingPrompt[]
}
