import type { RunStatus } from '../core/run-state'
import type { ViewMessage } from '../core/view-message'
import type { RunInfo } from '../core/run-info'
import type { SendInput } from './placement'
import type { RunResult } from './run-promises'
import type { Sent } from './sent'
import type { SessionTree } from './session-tree'
import type { Steer, Steers } from './steers'
import type { Stops } from './stops'
import type { InvocationBody, WakeInfo } from './wake'
import type { Wakes } from './wakes'

/** What a handle needs of its session. */
export interface ActiveRunHost<M extends object> {
  readonly all: SessionTree<M>
  readonly steers: Steers<M>
  readonly stops: Stops<M>
  readonly wakes: Wakes<M>
  isFailed(sent: Sent): boolean
  /** The run that was started, or gone into. */
  runOf(sent: Sent): RunInfo | undefined
  retry(sent: Sent): Promise<void>
  discard(inputId: string): void
}

/**
 * A run from the sender's side: from the moment its prompt is on the channel until it ends. Its promises never cause an
 * unhandled rejection.
 */
export class ActiveRun<M extends object> {
  /** The message id of what was sent: a new prompt's own, or of the message that was answered. */
  readonly inputId: string
  /** Names what was sent in the agent's invocation. */
  readonly inputEventId: string

  /** @internal */
  constructor(
    private readonly host: ActiveRunHost<M>,
    private readonly sent: Sent,
  ) {
    this.inputId = sent.inputId
    this.inputEventId = sent.eventId
  }

  /** Empty until the run has started; known at once for answers, which go into a run. */
  get runId(): string {
    return this.host.runOf(this.sent)?.runId ?? ''
  }

  /** `pending` until there is a run; `failed` when its prompt could not be published. */
  get status(): RunStatus | 'pending' | 'failed' {
    return this.host.runOf(this.sent)?.status ?? (this.host.isFailed(this.sent) ? 'failed' : 'pending')
  }

  /** The reply so far. */
  get messages(): readonly ViewMessage<M>[] {
    return this.host.all.messagesOf(this.runId)
  }

  /** How waking the agent fares; undefined when the session has no agent to wake. */
  get wake(): WakeInfo | undefined {
    return this.host.wakes.infoOf(this.inputEventId) ?? this.sent.wake
  }

  /**
   * Resolves when the agent has started the run, or gone on with it after answers. Rejects when it finally cannot be woken,
   * or the session is closed; after `retry()` there is a new promise.
   */
  get started(): Promise<void> {
    return this.sent.promises.started
  }

  /**
   * Resolves when the run has ended, however it ended; stays open while the run does. Rejects with 104004 when the session
   * was closed before that; after `retry()` there may be a new promise.
   */
  get finished(): Promise<RunResult> {
    return this.sent.promises.finished
  }

  /** Asks the agent to stop, whether or not the run has started. Resolves when the channel has the request. */
  cancel(): Promise<void> {
    return this.host.stops.cancel(this.sent, this.sent.turn)
  }

  /**
   * Publishes a failed prompt again, or wakes the agent again; does nothing once a run has taken it up.
   * @throws SessionError 40003 when the session has no agent, 104004 when it is closed.
   */
  retry(): Promise<void> {
    return this.host.retry(this.sent)
  }

  /** Takes a failed prompt out of the conversation. */
  discard(): void {
    this.host.discard(this.inputId)
  }

  /** Says something into the run while it goes on; published when the run has started. */
  steer(given: SendInput<M>): Steer {
    return this.host.steers.steer(this.runId || this.started.then(() => this.runId), given)
  }

  /** What an agent is woken with, for apps that wake it themselves. */
  toInvocation(): InvocationBody {
    return this.host.wakes.invocation(this.inputEventId)
  }
}
