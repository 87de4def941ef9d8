import type { Row } from './log'
import type { RunError, RunStatus, RunStep } from './run-state'
import { Header } from './wire'

/** A request to stop, as it stands on the channel. */
export interface Cancelling {
  /** Ably client id of whoever asked; undefined for anonymous clients. */
  readonly by: string | undefined
  /** When, in milliseconds since the epoch by Ably's clock. */
  readonly at: number
  /** Whether the agent has refused it, and every other there was: the run goes on. */
  readonly refused?: true
  /** The channel does not have it yet: it goes out when the network is back. */
  readonly pending?: true
  /** Nothing has come from the agent for 5 seconds since: it may be gone. */
  readonly unanswered?: true
}

/** A snapshot of one run. */
export interface RunInfo {
  readonly runId: string
  /** The run's owner: the client whose prompt it answers; empty when unknown. */
  readonly clientId: string
  readonly status: RunStatus
  /** Present when `status` is `error`. */
  readonly error?: RunError
  /** The waking of the agent that started it. */
  readonly invocationId: string
  readonly steps: readonly RunStep[]
  /** The message id of the prompt it answers, if known. */
  readonly inputId?: string
  /** The message id that it follows: its prompt, also when it is another reply to that. */
  readonly parentId?: string
  /** Set from the moment somebody asked to stop it until it ends; `refused` when the agent says no. */
  readonly cancelling?: Cancelling
  /** Who stopped it, when `status` is `cancelled` and somebody asked. */
  readonly cancelledBy?: Cancelling
  /** Milliseconds since the epoch, by Ably's clock; undefined until its start is known. */
  readonly startedAt?: number
  readonly endedAt?: number
}

/** The facts about a run with what is known of requests to stop it, given by serial. */
export function withCancellation(
  facts: RunInfo,
  cancels: readonly Row[],
  lifecycle: readonly Row[],
  stop: Partial<Cancelling> | undefined,
): RunInfo {
  const heeded = cancels.find(({ serial }) => !lifecycle.some(({ transport }) => transport[Header.refuses] === serial))
  const first = heeded ?? cancels[0]
  if (!first && !stop) return facts
  // What is noted of a request that has no row yet is all of it
  const request = (first ? { by: first.clientId, at: first.timestamp } : stop) as Cancelling
  const cancelling = { ...request, ...stop, ...(first && !heeded && { refused: true as const }) }
  return {
    ...facts,
    ...(facts.endedAt === undefined && { cancelling }),
    ...(facts.status === 'cancelled' && heeded && { cancelledBy: request }),
  }
}
