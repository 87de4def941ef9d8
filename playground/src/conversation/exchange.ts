import type { PendingInput, RunInfo } from 'vue-ai-transport'
import type { Message } from './types'

/** A prompt with its run and replies. */
export interface Exchange {
  /** The prompt's id, or the run's id if the prompt is not loaded. */
  readonly id: string
  /** The same for all versions of a prompt. */
  readonly place: string
  /** The colour of the run, from 1: the same on every device and for every loaded page of history. */
  readonly lane: number
  readonly prompt?: Message
  /** Set until the run has started. */
  readonly pending?: PendingInput
  readonly run?: RunInfo
  /** Sets the run apart from other active runs with the same prompt: "2 of 3". */
  readonly ordinal?: string
  /** The run's replies and the steers sent to it. */
  readonly replies: readonly Message[]
}
