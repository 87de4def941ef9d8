import type { Answer } from '../core/codec'
import type { Outgoing } from './outgoing'
import type { RunPromises } from './run-promises'
import type { WakeInfo } from './wake'

/** What was sent, and is to lead to a run. */
export interface Sent extends Outgoing {
  readonly promises: RunPromises
  readonly answers: readonly Answer[]
  /** Whether the agent is to be woken for it. */
  wakes: boolean
  /** How that fared last. */
  wake?: WakeInfo
  /** Set until it is on its way to the channel. */
  turn?: Promise<unknown>
  /** Set until the channel has taken or refused it. */
  published?: Promise<unknown>
}
