import { deferred } from '../core/deferred'
import type { RunError, RunEndReason, RunStatus } from '../core/run-state'
import type { ViewMessage } from '../core/view-message'
import { ErrorCode, SessionError } from '../core/errors'
import type { InvocationBody, WakeInfo } from './wake'

/** How a run ended. */
export interface RunResult {
  reason: RunEndReason
  /** Present when `reason` is `error`. */
  error?: RunError
}

/** What a handle needs from its session. */
export interface ActiveRunHost<M extends object> {
  readonly sessionName: string
  runOfInput(inputId: string): { runId: string; status: RunStatus; error?: RunError } | undefined
  messagesOfRun(runId: string): readonly ViewMessage<M>[]
  promptState(inputId: string): 'pending' | 'failed'
  wakeOf(inputId: string): WakeInfo | undefined
  cancel(target: { inputId: string }): Promise<void>
  republish(inputId: string): Promise<void>
  discard(inputId: string): void
}

/**
 * A run from the sender's side: from the moment its prompt is on the channel until it ends. Its promises never cause an
 * unhandled rejection.
 */
export class ActiveRun<M extends object> {
  #started = deferred()
  #isAbandoned = false
  readonly #finished = deferred<RunResult>()

  constructor(
    private readonly host: ActiveRunHost<M>,
    /** The prompt's message id. */
    readonly inputId: string,
    /** Names the prompt in the agent's invocation. */
    readonly inputEventId: string,
  ) {}

  /** Empty until the run has started. */
  get runId(): string {
    return this.host.runOfInput(this.inputId)?.runId ?? ''
  }

  /** `pending` until the run has started; `failed` when its prompt could not be published. */
  get status(): RunStatus | 'pending' | 'failed' {
    return this.host.runOfInput(this.inputId)?.status ?? this.host.promptState(this.inputId)
  }

  /** The reply so far. */
  get messages(): readonly ViewMessage<M>[] {
    return this.runId ? this.host.messagesOfRun(this.runId) : []
  }

  /** How waking the agent fares; undefined when the session has no agent to wake. */
  get wake(): WakeInfo | undefined {
    return this.host.wakeOf(this.inputId)
  }

  /**
   * Resolves when the agent has started the run. Rejects when it finally cannot be woken, or the session is closed; after
   * `retry()` there is a new promise.
   */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /** Resolves when the run has ended, however it ended; stays open while the run does. */
  get finished(): Promise<RunResult> {
    return this.#finished.promise
  }

  /** Asks the agent to stop, whether or not the run has started. Resolves when the channel has the request. */
  cancel(): Promise<void> {
    return this.host.cancel({ inputId: this.inputId })
  }

  /** Publishes a failed prompt again, or wakes the agent again. */
  async retry(): Promise<void> {
    if (this.status === 'failed') return this.host.republish(this.inputId)
    this.renew()
    this.wake?.retry()
  }

  /** Takes a failed prompt out of the conversation. */
  discard(): void {
    this.host.discard(this.inputId)
  }

  /** What an agent is woken with, for apps that wake it themselves. */
  toInvocation(): InvocationBody {
    return { inputEventId: this.inputEventId, sessionName: this.host.sessionName }
  }

  /** Follows the run as the channel tells it. @internal */
  follow(): 'waiting' | 'started' | 'ended' {
    const run = this.host.runOfInput(this.inputId)
    if (!run) return 'waiting'
    this.#started.resolve()
    if (run.status === 'active' || run.status === 'suspended') return 'started'
    this.#finished.resolve({ reason: run.status, ...(run.error && { error: run.error }) })
    return 'ended'
  }

  /** Waits for the start again, after it was given up. @internal */
  renew(): void {
    if (this.#isAbandoned) this.#started = deferred()
    this.#isAbandoned = false
  }

  /** Tells those who wait for the start that it will not come. @internal */
  abandon(error: SessionError): void {
    this.#started.reject(error)
    this.#isAbandoned = true
    const { code, message } = error
    if (code !== ErrorCode.Closed) return
    this.#finished.resolve({ reason: 'error', error: { code, message, statusCode: 400 } })
  }
}
