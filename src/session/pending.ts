import type { Cancelling, RunInfo } from '../core/run-info'
import type { WakeInfo } from './wake'

/** A prompt whose run has not started. */
export interface PendingPrompt {
  /** The prompt's message id; `cancel({ inputId })` stops the run before it starts. */
  readonly inputId: string
  readonly clientId: string
  /** How waking the agent fares; undefined when another client sent the prompt, or there is no agent to wake. */
  readonly wake?: WakeInfo
  readonly cancelling?: Cancelling
}

/** Which runs a verb is about: those of a view's branch, those this client owns, or all of the session. */
export type RunScope = 'view' | 'mine' | 'session'

/** What can be running in a view. */
export interface RunList {
  runs(): readonly RunInfo[]
  pending(): readonly PendingPrompt[]
}
