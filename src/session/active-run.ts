import { deferred } from '../core/deferred'
import type { RunError, RunEndReason, RunStatus } from '../core/run-state'
import type { ViewMessage } from '../core/view-message'
import type { RunInfo } from '../core/run-info'
import { ErrorCode, SessionError } from '../core/errors'
import type { Given } from './placement'
import type { Prompts, Sent } from './prompts'
import type { Steer } from './steers'
import type { InvocationBody, WakeInfo } from './wake'

/** How a run ended. */
export interface RunResult {
  reason: RunEndReason
  /** Present when `reason` is `error`. */
  error?: RunError
}

/**
 * A run from the sender's side: from the moment its prompt is on the channel until it ends. Its promises never cause an
 * unhandled rejection.
 */
export class ActiveRun<M extends object> {
  #started = deferred()
  #isAbandoned = false
  /** Whether it counts as finished because nobody wakes an agent for it any more. */
  #isGivenUp = false
  #finished = deferred<RunResult>()

  /** The message id of what was sent: a new prompt's own, or of the message that was answered. */
  readonly inputId: string
  /** Names what was sent in the agent's invocation. */
  readonly inputEventId: string

  /** @internal */
  constructor(
    private readonly prompts: Prompts<M>,
    private readonly sent: Sent<M>,
  ) {
    this.inputId = sent.inputId
    this.inputEventId = sent.eventId
  }

  get #run(): RunInfo | undefined {
    return this.prompts.runOf(this.sent)
  }

  /** Empty until the run has started; known at once for answers, which go into a run. */
  get runId(): string {
    return this.#run?.runId ?? ''
  }

  /** `pending` until there is a run; `failed` when its prompt could not be published. */
  get status(): RunStatus | 'pending' | 'failed' {
    return this.#run?.status ?? (this.prompts.isFailed(this.sent) ? 'failed' : 'pending')
  }

  /** The reply so far. */
  get messages(): readonly ViewMessage<M>[] {
    return this.prompts.all.messagesOf(this.runId)
  }

  /** How waking the agent fares; undefined when the session has no agent to wake. */
  get wake(): WakeInfo | undefined {
    return this.prompts.wakeOf(this.sent)
  }

  /**
   * Resolves when the agent has started the run, or gone on with it after answers. Rejects when it finally cannot be woken,
   * or the session is closed; after `retry()` there is a new promise.
   */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /**
   * Resolves when the run has ended, however it ended; stays open while the run does. Rejects with 104004 when the session
   * was closed, or the prompt discarded, before that; after `retry()` there may be a new promise.
   */
  get finished(): Promise<RunResult> {
    return this.#finished.promise
  }

  /** Asks the agent to stop, whether or not the run has started. Resolves when the channel has the request. */
  cancel(): Promise<void> {
    return this.prompts.cancel(this.sent)
  }

  /** Publishes a failed prompt again, or wakes the agent again; does nothing once a run has taken it up. */
  async retry(): Promise<void> {
    if (this.status === 'failed') return this.prompts.republish(this.sent)
    this.prompts.rewake(this.sent)
  }

  /** Takes a failed prompt out of the conversation. */
  discard(): void {
    this.prompts.discard(this.inputId)
  }

  /** Says something into the run while it goes on; published when the run has started. */
  steer(given: Given<M>): Steer {
    return this.prompts.steers.steer(this.runId || this.started.then(() => this.runId), given)
  }

  /** What an agent is woken with, for apps that wake it themselves. */
  toInvocation(): InvocationBody {
    return this.prompts.invocationOf(this.sent)
  }

  /** Follows the run as the channel tells it. @internal */
  follow(): 'waiting' | 'started' | 'ended' {
    const run = this.prompts.runThatTook(this.sent)
    if (!run) return 'waiting'
    this.#started.resolve()
    if (run.status === 'active' || run.status === 'suspended') return 'started'
    this.#finished.resolve({ reason: run.status, ...(run.error && { error: run.error }) })
    return 'ended'
  }

  /** Waits for the start again, after it was given up. @internal */
  renew(): void {
    if (this.#isAbandoned) this.#started = deferred()
    if (this.#isGivenUp) this.#finished = deferred()
    this.#isAbandoned = this.#isGivenUp = false
  }

  /** Tells those who wait for the start that it will not come. @internal */
  abandon(error: SessionError): void {
    this.#started.reject(error)
    this.#isAbandoned = true
    this.#isGivenUp = error.code === ErrorCode.Cancelled
    if (this.#isGivenUp) this.#finished.resolve({ reason: 'cancelled' })
    if (error.code === ErrorCode.Closed) this.#finished.reject(error)
  }
}
