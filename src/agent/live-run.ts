import { badRequest } from '../core/errors'
import { newId, type OutgoingMessage } from '../core/wire'
import type { Row } from '../core/rows'
import type { Answers } from '../core/answers'
import { isFork } from '../core/forks'
import type { RunNode } from '../core/run-node'
import type { RunFailure, RunHooks, RunPhase } from './agent-run'
import type { AgentChannel } from './channel'
import { abortReason, clientText } from './errors'
import { failureOf, type CutOff, type RunIdentity, fittingIds } from './run-messages'
import { RunPublisher } from './run-publisher'

/** The input that a run answers, and the run's identity. */
export interface RunTarget {
  /** The input that the run answers. */
  readonly trigger: Row
  readonly identity: RunIdentity
  /** The client that the run answers, verified by Ably. */
  readonly ownerClientId: string | undefined
  /** The message that announces the run; undefined for an adopted run, which was announced before. */
  readonly announcement?: OutgoingMessage
}

/** Options of a run that only this library sets. */
export interface InternalHooks<Chunk> extends RunHooks<Chunk> {
  /** Called when the input is found, before anything is published; refuses the run by throwing. */
  onFound?: () => void
}

/** An action that depends on the phase of the run. */
type Verb = 'start' | 'read' | 'write' | 'suspend' | 'end'

const allowedPhases: Readonly<Record<Verb, readonly RunPhase[]>> = {
  start: ['new'],
  read: ['open', 'ending', 'suspended', 'over'],
  write: ['open'],
  suspend: ['open'],
  end: ['starting', 'open', 'ending', 'over'],
}

const faults: Readonly<Record<RunPhase, string>> = {
  new: 'the run was not started',
  starting: 'the run was not started',
  open: 'it was started before',
  ending: 'the run is over',
  suspended: 'the run is suspended',
  over: 'the run is over',
}

/** A run in this process, as its parts share it: its identity, phase and signal, its channel and its output so far. */
export class LiveRun<M extends object, Chunk> {
  readonly channel: AgentChannel<M, Chunk>
  readonly inputEventId: string
  readonly hooks: InternalHooks<Chunk>
  readonly invocationId: string
  readonly publisher: RunPublisher
  readonly answers = new UsedAnswers()
  phase: RunPhase = 'new'
  /** Settles when `start()` does; undefined before it is called. */
  starting: Promise<void> | undefined
  readonly #newRunId: string
  readonly #controller = new AbortController()
  #target: RunTarget | undefined
  // NOTE: made ahead, because the stack trace of an error takes longer than all else that a Stop does
  readonly #cancelled = abortReason('it was cancelled')
  #isStopped = false
  /** The cancel that stops the run, and when the work was aborted for it. */
  #cancel: { readonly serial: string; readonly abortedAt: number } | undefined

  constructor(channel: AgentChannel<M, Chunk>, inputEventId: string, hooks: InternalHooks<Chunk>) {
    this.channel = channel
    this.inputEventId = inputEventId
    this.hooks = hooks
    this.#newRunId = idOr(hooks.runId, 'runId')
    this.invocationId = idOr(hooks.invocationId, 'invocationId')
    this.publisher = new RunPublisher(channel)
  }

  get runId(): string {
    return this.#target?.identity.runId ?? this.#newRunId
  }

  get isTargetKnown(): boolean {
    return this.#target !== undefined
  }

  /** @throws {@link SessionError} 40003 before `start()` has found it */
  get target(): RunTarget {
    if (!this.#target) throw badRequest('read the conversation', 'the run was not started')
    return this.#target
  }

  set target(target: RunTarget) {
    this.#target = target
  }

  get identity(): RunIdentity {
    return this.target.identity
  }

  /** @throws {@link SessionError} 40003 when the phase does not allow the action */
  permit(verb: Verb, action: string): void {
    if (!allowedPhases[verb].includes(this.phase)) throw badRequest(action, faults[this.phase])
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether the run is to end as cancelled. The signal also aborts when `end()` cuts a pipe short. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Where the cancel has cut off the run. */
  get cutOff(): CutOff | undefined {
    return this.#cancel && { ...this.#cancel, tail: this.publisher.textBehind(this.#cancel.serial) }
  }

  /** An error of this process as the clients of the session see it. */
  failureFor(error: unknown): RunFailure {
    return { code: failureOf(error)?.code, message: clientText(error, this.hooks.errorText, this.channel.report) }
  }

  /** Stops the run when the signal from its hooks aborts. */
  watchSignal(): void {
    this.hooks.signal?.addEventListener('abort', this.#stopBySignal)
    if (this.hooks.signal?.aborted) this.#stopBySignal()
  }

  unwatchSignal(): void {
    this.hooks.signal?.removeEventListener('abort', this.#stopBySignal)
  }

  readonly #stopBySignal = (): void => this.stop('its signal aborted', this.hooks.signal?.reason)

  /** Aborts the work; the run is to end as cancelled. */
  stop(reason: string, cause?: unknown): void {
    this.#isStopped = true
    this.abort(reason, cause)
  }

  /** Aborts the work for a cancel. */
  stopFor({ serial }: Row): void {
    this.#cancel = { serial, abortedAt: Date.now() }
    this.#isStopped = true
    if (!this.signal.aborted) this.#controller.abort(this.#cancelled)
  }

  /** Aborts the work; the outcome of the run stays open. */
  abort(reason: string, cause?: unknown): void {
    if (!this.signal.aborted) this.#controller.abort(abortReason(reason, cause))
  }
}

function idOr(given: string | undefined, option: string): string {
  if (given === '') throw badRequest('create the run', `"${option}" must not be empty`)
  return given ?? newId()
}

/** Serials of the answers in a run that count and that no message of its agent has named. */
export function answersFor(run: RunNode<object> | undefined): readonly string[] {
  return run ? unnamedIn(run.answers).map(({ serial }) => serial) : []
}

const unnamedIn = ({ counted, acted }: Answers): readonly Row[] =>
  [...counted].filter((row) => !acted.has(row) && !isFork(row))

/**
 * The answers that a run goes on with: those that it has resumed for, and those that its context has given to the
 * model. Messages of the run name them, so that they count for all clients, even if an earlier answer to the same call
 * arrives later from another site. Until then this process remembers them.
 */
export class UsedAnswers {
  /** Whether a pipe of this process has ended with calls that wait for their answers. */
  areAwaited = false
  readonly #serials = new Set<string>()
  /** Those that no message of this process has named. */
  readonly #unnamed = new Set<string>()

  /** The answers in a run, of which the used ones count. */
  among(run: RunNode<object>): Answers {
    return run.answersWith([...Array.from(run.answers.acted, ({ serial }) => serial), ...this.#serials])
  }

  /** Whether answers in a run count that the agent has not gone on with. */
  hasOthers(run: RunNode<object>): boolean {
    return unnamedIn(run.answers).some(({ serial }) => !this.#serials.has(serial))
  }

  /** Notes that the agent goes on with these answers. */
  note(answers: Answers): void {
    for (const { serial } of unnamedIn(answers)) {
      this.#serials.add(serial)
      this.#unnamed.add(serial)
    }
  }

  /** Takes the serials for the next message of the run; the next messages name those that do not fit. */
  take(): readonly string[] {
    const serials = fittingIds([...this.#unnamed])
    for (const serial of serials) this.#unnamed.delete(serial)
    return serials
  }

  /** Serials for the end of a run: of the answers that were used, and of the others that count. */
  takeLast(run: RunNode<object> | undefined): readonly string[] {
    const isNamed = new Set(Array.from(run?.answers.acted ?? [], ({ serial }) => serial))
    return [...new Set([...this.#serials, ...answersFor(run)])].filter((serial) => !isNamed.has(serial))
  }
}
