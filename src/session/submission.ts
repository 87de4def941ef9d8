import { alreadyAnswered } from '../core/answers'
import type { Answer } from '../core/codec'
import { deferred } from '../core/signals'
import { ErrorCode, type SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import type { Cancelling, RunInfo, WakeInfo } from '../core/run-info'
import { hasEnded, isEntry, type RunEndReason, type RunError } from '../core/run-state'
import type { RunNode } from '../core/run-node'
import type { Subject } from '../core/nodes'
import type { Tree } from '../core/tree'
import { Header, MessageName, type OutgoingMessage } from '../core/wire'
import type { SessionContext } from './context'
import type { EncodedInput, Place } from './placed-input'

/** Which runs a verb is about: those of a view's branch, those this client owns, or all of the session. */
export type RunScope = 'view' | 'mine' | 'session'

export interface SendOptions {
  /**
   * `interrupt` first cancels the runs of this view that are active, about to start, or suspended, also those that wait
   * for an approval; `alongside` leaves them alone.
   * @default 'alongside'
   */
  whenBusy?: 'alongside' | 'interrupt'
  /**
   * With `interrupt`: send right behind the cancels, or when the interrupted runs have ended (at most 2 s later).
   * @default 'published'
   */
  waitFor?: 'published' | 'ended'
  /** The message id that this prompt follows. @default the last message of the view */
  parent?: string
  /**
   * The message id of the prompt. The channel takes a prompt with the same id once, also when two tabs send it within
   * two minutes; later, a tab that has heard it sends nothing. A second call of this client sends nothing; it resolves
   * when the channel has the prompt, and publishes one that has failed again. @default a new id
   */
  id?: string
  /** Whether to wake the session's agent. @default true */
  wake?: boolean
}

/** Options of sends whose place in the conversation is given. */
export type PlacedSendOptions = Omit<SendOptions, 'parent' | 'id'>

export interface AnswerOptions extends PlacedSendOptions {
  /**
   * `continuation` answers into the run that asked; `fork` answers a copy of its reply, for a run that replaces it.
   * @default 'continuation'
   */
  as?: 'continuation' | 'fork'
}

/** An input that no agent has accepted: a prompt, a request for another reply, an answer to a suspended run. */
export interface PendingInput {
  /** Its message id; for an answer the id of the message it is about. `cancel({ inputId })` cancels it. */
  readonly inputId: string
  readonly clientId: string
  /** The run that an answer goes into. */
  readonly runId?: string
  /** The state of waking the agent; undefined while this client does not wake it. */
  readonly wake?: WakeInfo
  readonly cancelling?: Cancelling
  /** No agent has accepted it for 20 seconds; `wake(inputId)` wakes one. */
  readonly unanswered?: true
}

/** The lists of a view, or of another object with runs. */
export interface RunLists {
  runs(scope: RunScope): readonly RunInfo[]
  pending(): readonly PendingInput[]
}

/** How a run ended. */
export interface RunResult {
  reason: RunEndReason
  /** Present when `reason` is `error`. */
  error?: RunError
}

/** An input, which starts a run or goes into one. */
export interface Target {
  readonly inputId: string
  /** The run that it goes into; undefined when it starts one. */
  readonly runId?: string
}

/** What an agent is woken with: an input or a cancel, by its event. */
export interface Trigger extends Target {
  readonly eventId: string
}

/** The id of a target, also in indexes: a run's id, or that of an input without one. */
export const targetOf = ({ inputId, runId }: Target | RunInfo): string => runId ?? inputId!

/** The run that an input has started, or goes into. */
export const runOf = <M extends object>(tree: Tree<M>, { inputId, runId }: Target): RunNode<M> | undefined =>
  runId === undefined ? tree.latestRunOf(inputId) : tree.runs.get(runId)

/** The subject that shows whether an input is pending. */
export const subjectOf = <M extends object>(tree: Tree<M>, { inputId, runId }: Target): Subject<M> =>
  (runId === undefined ? (tree.inputs.get(inputId) ?? tree.nodeOf(inputId)) : tree.runs.get(runId)) ?? inputId

/** The run of a trigger once its agent has accepted the trigger, or the run has ended. */
export function acceptedRun<M extends object>(tree: Tree<M>, trigger: Trigger): RunNode<M> | undefined {
  const run = runOf(tree, trigger)
  return !run || trigger.runId === undefined || run.hasEnded || isAccepted(run, trigger) ? run : undefined
}

// NOTE: by serial, because several inputs that go into a run can share a message id
function isAccepted(run: RunNode<object>, { inputId, eventId }: Trigger): boolean {
  const input = run.rows.findLast(
    ({ name, transport }) => name === MessageName.input && transport[Header.eventId] === eventId,
  )
  const isIts = (row: Row): boolean => isEntry(row) && row.transport[Header.inputId] === inputId
  return input !== undefined && (run.rows.findLast(isIts)?.serial ?? '') > input.serial
}

/** An input that this client has sent and that leads to a run: a prompt, an edit, a regeneration, an answer. */
export class Submission implements Trigger {
  readonly inputId: string
  readonly eventId: string
  readonly runId: string | undefined
  /** The last wake. */
  wake?: WakeInfo
  /** Set until it is on its way to the channel. */
  waitsFor?: Promise<unknown>
  /** Set until the channel has accepted or refused it. */
  publishing?: Promise<unknown>
  /** The serials of its messages, once the channel has accepted them. */
  serials: readonly string[] = []
  /** The indexes of its answers that were reported as late, because they do not count. */
  readonly reportedLate = new Set<number>()
  #started = deferred()
  #finished = deferred<RunResult>()
  #abandonedFor: SessionError | undefined
  #isFinished = false

  /**
   * @param inputs - its inputs in order, all at one place; an agent is woken with the last one
   * @param shouldWake - whether to wake the agent for it
   */
  constructor(
    public place: Place,
    public inputs: readonly EncodedInput[],
    readonly answers: readonly Answer[],
    public shouldWake: boolean,
  ) {
    const { inputId, eventId } = inputs.at(-1)!
    this.inputId = inputId
    this.eventId = eventId
    this.runId = place.runId
  }

  get messages(): readonly OutgoingMessage[] {
    return this.inputs.at(-1)!.messages
  }

  /** Whether the channel has it, and behind the message with this serial. Waits while it is being published. */
  async isBehind(serial: string): Promise<boolean> {
    await this.publishing?.catch(() => undefined)
    return (this.serials.at(-1) ?? '') > serial
  }

  /** The errors of its answers that do not count because a run has others, each of them once. */
  lateAnswers(run: RunNode<object>): SessionError[] {
    return this.answers.flatMap(({ codec }, index) => {
      const earlier = run.answers.before({ codec, serial: this.serials[index] }, this.runId && this.inputId)
      if (!earlier || this.reportedLate.has(index)) return []
      this.reportedLate.add(index)
      return alreadyAnswered(earlier)
    })
  }

  /** Whether it leads nowhere as far as is known, because it was cancelled before a run began. */
  get isAbandoned(): boolean {
    return this.#abandonedFor?.code === ErrorCode.Cancelled
  }

  get started(): Promise<void> {
    return this.#started.promise
  }

  get finished(): Promise<RunResult> {
    return this.#finished.promise
  }

  /** Settles the promises by the state of its run; true when the run has ended. */
  settle({ status, error }: RunInfo): boolean {
    // NOTE: a run can start although this client could wake no agent
    if (this.#isFinished) this.restore()
    this.#started.resolve()
    if (!hasEnded(status)) return false
    this.finish({ reason: status, ...(error && { error }) })
    return true
  }

  /** Rejects `started`: no agent will be woken. A cancelled input is finished, too. */
  abandon(reason: SessionError): void {
    this.#abandonedFor = reason
    this.#started.reject(reason)
    if (reason.code === ErrorCode.Cancelled) this.finish({ reason: 'cancelled' })
    if (reason.code === ErrorCode.Closed) this.#finished.reject(reason)
  }

  /** Resolves `finished`. */
  finish(result: RunResult): void {
    this.#isFinished = true
    this.#finished.resolve(result)
  }

  /** Makes new promises in place of those that were settled without a run. */
  restore(): void {
    if (this.#abandonedFor) this.#started = deferred()
    if (this.#isFinished) this.#finished = deferred()
    this.#abandonedFor = undefined
    this.#isFinished = false
  }
}

/** How long to wait for the echo of a published answer, in milliseconds. It usually arrives at once. */
const echoLimit = 2000

/** The answer that wakes the agent, by its sender: the last one on the channel. */
export function newestAnswer(run: RunNode<object>): Row | undefined {
  if (run.isSuperseded) return undefined
  if (run.isPlaceholder) return run.rows.findLast((row) => run.answers.counted.has(row))
  return run.state.status === 'suspended' ? run.answers.newest : undefined
}

/**
 * Finds out which published answers count: of the answers to one call, the first on the channel. Where only some of
 * them are late, the session's error tells.
 *
 * @throws SessionError 40003 when other answers have settled all its calls before
 */
export async function checkAnswers<M extends object>(
  session: SessionContext<M>,
  submission: Submission,
): Promise<void> {
  const { tree, channel } = session
  const { runId, answers, place, serials } = submission
  const last = serials.at(-1) ?? ''
  // NOTE: an answer of another client that comes before this one on the channel also arrives before its echo
  if (last && channel.hearsItself) await session.waits.until(() => tree.log.get(last) !== undefined, echoLimit)
  const fork = runId === undefined ? (tree.nodeOf(submission.inputId) as RunNode<M> | undefined) : undefined
  // NOTE: a fork stands or falls with its first answer; further ones compete in the fork
  const isFirst = fork !== undefined && fork.rows[0]?.serial === serials[0]
  const run = fork && !isFirst ? fork : tree.runs.get(runId ?? place.supersedes ?? '')
  if (!run) return
  const errors = submission.lateAnswers(run)
  const isRefused = isFirst ? submission.reportedLate.has(0) : errors.length === answers.length
  if (isRefused) throw errors[0]!
  for (const error of errors) session.report(error)
}

/**
 * Tells the sender which of its answers do not count because the agent has gone on with answers that reached it first.
 */
export function tellOutdone<M extends object>(
  session: SessionContext<M>,
  submission: Submission,
  run: RunNode<M>,
): void {
  const { publishing, serials, reportedLate, answers } = submission
  const isOutdone = (serial: string, index: number): boolean =>
    !reportedLate.has(index) && run.isOutdone(session.tree.log.get(serial))
  if (publishing || !serials.some(isOutdone)) return
  const errors = submission.lateAnswers(run)
  if (errors.length > 0 && reportedLate.size === answers.length) submission.abandon(errors[0]!)
  for (const error of errors) session.report(error)
}
