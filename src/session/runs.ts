import { bySerial, noItems, reuseIfEqual } from '../core/collections'
import { warn } from '../core/diagnostics'
import { badRequest, ErrorCode, toSessionError } from '../core/errors'
import type { RunInfo, WakeInfo } from '../core/run-info'
import { RunNode } from '../core/run-node'
import type { RunEndReason, RunStatus } from '../core/run-state'
import type { ViewMessage } from '../core/view-message'
import { newId } from '../core/wire'
import { closedError, type InvocationBody } from './context'
import { encodeInput, newMessage, type SendInput } from './placed-input'
import type { Session } from './session'
import { runOf, type RunResult, type Submission } from './submission'
import { invocationOf } from './wake'

/** All loaded runs and messages of a session, on every branch. */
export class SessionTree<M extends object> {
  readonly #session: Session<M>
  #runs: readonly RunInfo[] = noItems
  readonly #replies = new WeakMap<RunNode<M>, readonly ViewMessage<M>[]>()

  /** @internal */
  constructor(session: Session<M>) {
    this.#session = session
  }

  /** Every run that has started, in the order of their starts. */
  runs(): readonly RunInfo[] {
    this.#session.changed.track()
    const { tree } = this.#session
    const started = Array.from(tree.runs.values()).filter(({ visible }) => visible)
    const infos = started.toSorted(bySerial).map((run) => run.info())
    return (this.#runs = reuseIfEqual(this.#runs, infos))
  }

  /** A run by its id; undefined until it has started. */
  run(runId: string): RunInfo | undefined {
    this.#session.changed.track()
    const run = this.#session.tree.runs.get(runId)
    return run?.visible ? run.info() : undefined
  }

  /** The run that wrote a message, or that answers it when it is a prompt: preferably one that `isShown`. @internal */
  runOf(messageId: string, isShown: (run: RunNode<M>) => boolean): RunInfo | undefined {
    this.#session.changed.track()
    const { tree } = this.#session
    const node = tree.nodeOf(messageId)
    if (node instanceof RunNode) return node.isPlaceholder ? undefined : node.info()
    const replies = [...tree.runsOf(messageId), ...tree.children(messageId)].filter((reply) => reply instanceof RunNode)
    const answers = replies.filter((run) => !run.isPlaceholder && run.visible)
    const answer = answers.find(isShown) ?? answers.at(-1)
    return answer?.info()
  }

  /** A message by its id, plain and unobserved. */
  message(messageId: string): M | undefined {
    this.#session.changed.track()
    return this.#session.tree.nodeOf(messageId)?.message(messageId)
  }

  /** A plain copy of a message. @internal */
  snapshot(messageId: string): M | undefined {
    const message = this.#session.tree.nodeOf(messageId)?.message(messageId)
    return message && structuredClone(message)
  }

  /** The reply of a run so far. */
  messagesOf(runId: string): readonly ViewMessage<M>[] {
    this.#session.changed.track()
    const run = this.#session.tree.runs.get(runId)
    if (!run) return noItems
    const messages = Array.from(run.ids, (id) => run.viewMessage(id)!)
    const reply = reuseIfEqual(this.#replies.get(run), messages)
    this.#replies.set(run, reply)
    return reply
  }
}

/**
 * A run from the sender's side: from the moment its prompt is on the channel until it ends. Its promises never cause an
 * unhandled rejection.
 */
export class ActiveRun<M extends object> {
  readonly #session: Session<M>
  readonly #tree: SessionTree<M>
  readonly #submission: Submission
  /** The message id of the new prompt, or of the message that was answered. */
  readonly inputId: string
  /** Names the input in the agent's invocation. */
  readonly inputEventId: string

  /** @internal */
  constructor(session: Session<M>, tree: SessionTree<M>, submission: Submission) {
    this.#session = session
    this.#tree = tree
    this.#submission = submission
    this.inputId = submission.inputId
    this.inputEventId = submission.eventId
    session.port.opaque(this)
  }

  get #run(): RunNode<M> | undefined {
    this.#session.changed.track()
    return runOf(this.#session.tree, this.#submission)
  }

  /** Empty until the run has started; known at once for answers, which go into a run. */
  get runId(): string {
    return this.#run?.key ?? ''
  }

  /** `pending` until there is a run; `failed` when its prompt could not be published. */
  get status(): RunStatus | 'pending' | 'failed' {
    const isFailed = this.#session.submissions.isFailed(this.#submission)
    return this.#run?.state.status ?? (isFailed ? 'failed' : 'pending')
  }

  /** The reply so far. */
  get messages(): readonly ViewMessage<M>[] {
    return this.#tree.messagesOf(this.runId)
  }

  /** The state of waking the agent; undefined when the session has no agent to wake. */
  get wake(): WakeInfo | undefined {
    return this.#session.wakes.of(this.#submission)?.info ?? this.#submission.wake
  }

  /**
   * Resolves when the agent has started the run, or resumed it after answers. Rejects when the agent finally cannot be
   * woken, or the session is closed; after `retry()` there is a new promise.
   */
  get started(): Promise<void> {
    return this.#session.submissions.follow(this.#submission).started
  }

  /**
   * Resolves when the run has ended, however it ended; stays open while the run does, also if its agent has gone on
   * with the answer of another client. If no agent can be woken for a prompt, it resolves with reason `error`; once an
   * agent accepts the prompt after all, and after `retry()`, there is a new promise. Rejects with 104004 when the
   * session was closed before that.
   */
  get finished(): Promise<RunResult> {
    return this.#session.submissions.follow(this.#submission).finished
  }

  /** Cancels the run, whether or not it has started. Resolves when the channel has the request. */
  cancel(): Promise<void> {
    return this.#session.cancel(this.#submission, this.#submission)
  }

  /**
   * Publishes a failed prompt again, or wakes the agent again; does nothing once a run has accepted the prompt.
   * A prompt that was cancelled stays so: its run ends as cancelled, and `edit()` with the same text asks anew.
   * @throws SessionError 40003 when the session has no agent, 104004 when it is closed.
   */
  retry(): Promise<void> {
    return this.#session.submissions.retry(this.#submission)
  }

  /** Takes a failed prompt out of the conversation. */
  discard(): void {
    this.#session.submissions.discard(this.inputId)
  }

  /** Sends a message into the run while it is active; published once the run has started. */
  steer(given: SendInput<M>): Steer {
    return steer(this.#session, this.runId || this.started.then(() => this.runId), given)
  }

  /** The body of the request that wakes an agent, for apps that wake it themselves. */
  toInvocation(): InvocationBody {
    return invocationOf(this.#session, this.inputEventId)
  }
}

/** The outcome of a steer. */
export interface SteerOutcome {
  /** Whether the agent took it into account. */
  readonly consumed: boolean
  /** How the run ended; undefined when the run was only suspended. */
  readonly runTerminalReason?: RunEndReason
}

/** A message sent into a running reply. Its promises never cause an unhandled rejection. */
export interface Steer {
  /** The id of its message, which appears in the conversation once the channel has it. */
  readonly id: string
  /**
   * Resolves with its serial when the channel has it. Rejects with code 40003 when the run has ended, 104005 when it
   * could not be published, 104004 when the session is closed.
   */
  readonly published: Promise<string>
  /**
   * Resolves when the run has ended, or was suspended after it took the steer into account. Rejects as `published`
   * does.
   */
  readonly outcome: Promise<SteerOutcome>
}

/** Sends a message into a run while it is active. @param runId - may be a promise, for a run that has not started */
export function steer<M extends object>(
  session: Session<M>,
  runId: string | Promise<string>,
  given: SendInput<M>,
): Steer {
  const id = newId()
  const publish = (run: string): Promise<string> => publishSteer(session, run, id, given)
  // NOTE: at once where possible, so that steers are published in the order of the calls
  const published = runId instanceof Promise ? runId.then(publish) : publish(runId)
  const outcome = published.then(async () => outcomeOf(session, await runId, id))
  // NOTE: also handles a rejection of `published`
  outcome.catch(() => undefined)
  return { id, published, outcome }
}

async function publishSteer<M extends object>(
  session: Session<M>,
  runId: string,
  messageId: string,
  given: SendInput<M>,
): Promise<string> {
  const { channel, options, tree, outbox } = session
  session.checkOpen('steer the run')
  const known = tree.runs.get(runId)
  // NOTE: rows of a run may be known before its start
  const run = known?.visible ? known : undefined
  if (!run) warn('steerUnknown', runId)
  if (!run || run.hasEnded || run.isEnding) {
    throw badRequest('steer the run', run ? 'it has ended' : `there is no run "${runId}"`)
  }
  const [input] = newMessage(tree.codec, given)
  const { messages } = encodeInput(tree.codec, input!, { runId, messageId }, channel.clientId, options.device)
  try {
    const [serial = ''] = await session.waits.whileSending(() => outbox.publish(messages))
    return serial
  } catch (cause) {
    throw toSessionError('steer the run', ErrorCode.SendFailed, cause)
  }
}

async function outcomeOf<M extends object>(session: Session<M>, runId: string, steerId: string): Promise<SteerOutcome> {
  const { tree, waits } = session
  const action = 'wait for the run'
  session.checkOpen(action)
  const outcome = await waits.until((): SteerOutcome | undefined => {
    const run = tree.runs.get(runId)
    if (!run || run.state.status === 'active') return undefined
    const { status } = run.state
    const consumed = run.steerState(steerId) === 'consumed'
    if (status === 'suspended' && !consumed) return undefined
    return { consumed, ...(status !== 'suspended' && { runTerminalReason: status }) }
  })
  if (!outcome) throw closedError(action)
  return outcome
}
