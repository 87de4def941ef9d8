import { isForGood } from '../ably/refusal'
import { deferred } from '../core/deferred'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import { newId } from '../core/id'
import type { Row } from '../core/log'
import { abortable } from './abortable'
import { admit } from './admit'
import type { AgentRun, RunHooks, RunOutcome } from './agent-run'
import type { AgentStep, RetryOptions, StepOptions } from './agent-step'
import type { ChunkSource } from './chunk-reader'
import { announce } from './claim'
import { closeLeft } from './close-left'
import { contextOf, type ContextRule } from './context'
import { cancelRefused, runEnd } from './headers'
import { misuse } from './misuse'
import { Outlet } from './outlet'
import type { PipeResult } from './pipe'
import { readPath } from './read-path'
import { tryStep } from './retry'
import { failureOf } from './run-failure'
import type { RunHost } from './run-host'
import { stepReasonOf, type OpenStep, type RunOutput } from './run-output'
import { permit, type RunPhase } from './run-phase'
import { RunSignal } from './run-signal'
import { workOn, type RunWork } from './run-work'
import type { Subject, SubjectSearch } from './subject'
import { Waiting } from './waiting'

/** A run on a session's channel. */
export class ChannelRun<M extends object, Chunk> implements AgentRun<M, Chunk> {
  readonly invocationId: string
  readonly #signal: RunSignal
  readonly #outlet: Outlet
  readonly #givenId: string
  readonly #finished = deferred()
  #phase: RunPhase = 'new'
  #work: RunWork<Chunk> | undefined
  #starting: Promise<void> | undefined
  #ending: Promise<void> | undefined
  /** How it comes out, once somebody has said so. */
  #outcome: RunOutcome | undefined
  #waiting: Waiting | undefined

  constructor(
    private readonly host: RunHost<M, Chunk>,
    private readonly inputEventId: string,
    private readonly hooks: RunHooks<Chunk>,
    private readonly find: (host: RunHost<M, Chunk>, search: SubjectSearch) => Promise<Subject>,
  ) {
    this.#givenId = idOr(hooks.runId, 'runId')
    this.invocationId = idOr(hooks.invocationId, 'invocationId')
    this.#signal = new RunSignal(hooks.signal)
    this.#outlet = new Outlet(host)
  }

  get runId(): string {
    return this.#work?.subject.identity.runId ?? this.#givenId
  }

  get inputId(): string | undefined {
    return this.#work?.subject.identity.inputId
  }

  get phase(): RunPhase {
    return this.#phase
  }

  get finished(): Promise<void> {
    return this.#finished.promise
  }

  get abortSignal(): AbortSignal {
    return this.#signal.signal
  }

  toJSON(): { runId: string; invocationId: string; inputEventId: string } {
    const { runId, invocationId, inputEventId } = this
    return { runId, invocationId, inputEventId }
  }

  async start(): Promise<void> {
    permit(this.#phase, 'start', 'start the run')
    this.#phase = 'starting'
    this.#starting = this.#begin()
    try {
      await this.#starting
    } catch (error) {
      this.#close()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const { host, hooks, abortSignal: signal } = this
    this.#signal.follow()
    await abortable(host.connect(), signal)
    const subject = await this.#findSubject()
    this.#work = workOn(subject, { host, hooks, outlet: this.#outlet, signal, refuse: this.#refuseCancel })
    await this.considerCancels()
    if (this.#outlet.isShut) throw signal.reason
    if (hooks.admit && subject.announcement) await admit(hooks.admit, host, subject)
    await this.#announce(subject)
    await readPath(host, subject.trigger, signal).catch((cause: unknown) => this.#failToRead(subject, cause))
    if (!subject.announcement) await closeLeft(host, this.#outlet, this.runId)
    await this.#work.steers.consider()
    // NOTE: it may have been left meanwhile
    if (this.#phase === 'starting') this.#phase = 'open'
  }

  #findSubject(): Promise<Subject> {
    const { inputEventId, invocationId, abortSignal: signal } = this
    const { triggerTimeout: timeout, onAnswer } = this.hooks
    return this.find(this.host, { inputEventId, invocationId, runId: this.#givenId, signal, timeout, onAnswer })
  }

  async #announce({ announcement }: Subject): Promise<void> {
    if (announcement) await announce(this.host, this.#outlet, announcement, this.invocationId)
    this.host.takeOver(this)
  }

  async #failToRead({ announcement }: Subject, cause: unknown): Promise<never> {
    const error = toSessionError('read the conversation', ErrorCode.HistoryFailed, cause)
    // NOTE: what another process has left open is not ended for everybody because this one cannot read
    if (announcement) await this.#publishEnd({ reason: 'error', error })
    throw error
  }

  context({ include }: { include?: ContextRule<M> } = {}): M[] {
    permit(this.#phase, 'read', 'read the conversation')
    if (!this.#work) throw misuse('read the conversation', 'the run was not started')
    const { subject, steers, written } = this.#work
    steers.noteRead()
    const own = { runId: this.runId, ownerClientId: subject.ownerClientId, written, isIgnored: steers.isIgnored }
    return contextOf(this.host, subject.trigger, include, own)
  }

  hasInput(): boolean {
    return this.#phase === 'open' && !this.abortSignal.aborted && this.#work!.steers.hasInput()
  }

  async pipe(stream: ChunkSource<Chunk>): Promise<PipeResult> {
    return this.#output('pipe a stream').pipe(stream)
  }

  step(options?: string | StepOptions): Promise<AgentStep<Chunk>>
  step<T>(work: (step: AgentStep<Chunk>) => T | PromiseLike<T>, options?: RetryOptions): Promise<T>
  async step<T>(
    given: string | StepOptions | ((step: AgentStep<Chunk>) => T | PromiseLike<T>) = {},
    options: RetryOptions = {},
  ): Promise<AgentStep<Chunk> | T> {
    if (typeof given === 'function') return tryStep(given, options, this.#openStep, this.abortSignal)
    return this.#openStep(typeof given === 'string' ? { id: given } : given)
  }

  readonly #openStep = async (options: StepOptions): Promise<OpenStep<Chunk>> => {
    const output = this.#output('open a step')
    this.abortSignal.throwIfAborted()
    return output.openStep(options)
  }

  #output(what: string): RunOutput<Chunk> {
    // NOTE: a function that goes on after a cancel finds the run over through no fault of its own
    const isStopped = this.abortSignal.aborted && (this.#phase === 'ending' || this.#phase === 'over')
    if (!isStopped || !this.#work) permit(this.#phase, 'write', what)
    return this.#work!.output
  }

  async suspend(): Promise<void> {
    const isAgain = this.#phase === 'ending' && this.#outcome?.reason === 'suspend'
    if (!isAgain) permit(this.#phase, 'suspend', 'suspend the run')
    if (this.#work!.output.isPiping) throw misuse('suspend the run', 'a pipe is still running')
    if (this.#work!.output.hasOpenStep) throw misuse('suspend the run', 'a step is still open')
    await this.end({ reason: 'suspend' })
  }

  async end(outcome?: RunOutcome): Promise<void> {
    permit(this.#phase, 'end', 'end the run')
    await (this.#ending ?? this.#endBy(this.#finish(outcome)))
  }

  /** Notes that the run is being ended; that can be tried again once it has failed. */
  async #endBy(work: Promise<void>): Promise<void> {
    this.#ending = work
    try {
      await work
    } catch (error) {
      if (this.#ending === work) this.#ending = undefined
      // NOTE: an agent that may not publish would otherwise keep every run
      if (isForGood((error as SessionError).cause)) this.#close()
      throw error
    }
  }

  async #finish(given: RunOutcome | undefined): Promise<void> {
    if (this.#work?.output.isBusy || this.#phase === 'starting') this.#signal.abort('it has ended')
    await this.#starting?.catch(() => undefined)
    if (this.#phase !== 'open' && this.#phase !== 'ending') return
    this.#phase = 'ending'
    const { output } = this.#work!
    const last = await output.settle()
    const outcome = (this.#outcome = given ?? this.#outcome ?? last ?? { reason: 'complete' })
    const isCancelled = this.#signal.isStopped && outcome.reason !== 'error'
    const result: RunOutcome = isCancelled ? { reason: 'cancelled' } : outcome
    await output.close(stepReasonOf(result))
    await (result.reason === 'suspend' ? this.#publishSuspend() : this.#publishEnd(result))
  }

  async #publishSuspend(): Promise<void> {
    this.#waiting = await Waiting.begin(this.host, this.#outlet, this.#work!.subject.identity)
    this.#phase = 'suspended'
    this.#finished.resolve()
    this.#signal.unfollow()
    this.considerWaiting()
    // NOTE: it may have been asked to stop while it was said to wait, when nothing was left to stop
    await (this.#signal.isStopped ? this.#endWaiting() : this.considerCancels())
  }

  async #publishEnd({ reason, error }: RunOutcome): Promise<void> {
    const end = runEnd(this.#work!.subject.identity, reason === 'suspend' ? 'complete' : reason, failureOf(error))
    await this.#outlet.declare('publish the end of the run', end)
    this.#close()
  }

  /** Looks at requests to stop that the channel holds, each of them once. */
  async considerCancels(): Promise<void> {
    if (this.#signal.isStopped || this.#phase === 'over') return
    if (!(await this.#work?.cancels.consider(this.host.tree))) return
    this.#signal.stop('it was cancelled')
    await this.#endWaiting()
  }

  /** Says that the run goes on in spite of a request, once it is known to go on here. */
  readonly #refuseCancel = (row: Row): void => {
    const tell = async (): Promise<unknown> =>
      this.#outlet.declare('refuse a cancel', cancelRefused(this.#work!.subject.identity, row.serial))
    const isMute = (): boolean => this.#outlet.isShut || this.#phase === 'over'
    void this.#starting?.then(
      () => isMute() || tell().catch(this.host.report),
      () => undefined,
    )
  }

  /** Looks at what was said to the run while it is written, each of it once. */
  async considerSteers(): Promise<void> {
    await this.#work?.steers.consider()
  }

  /** A run that waits has nobody else to end it. */
  async #endWaiting(): Promise<void> {
    if (this.#phase !== 'suspended') return
    this.#phase = 'ending'
    await this.#endBy(this.#publishEnd({ reason: 'cancelled' })).catch(this.host.report)
  }

  /** Ends the run because its session ends; one that waits is left to wait. */
  async endWithSession(): Promise<void> {
    if (this.#phase === 'new' || this.#phase === 'suspended') return this.#close()
    const isEnding = this.#phase === 'ending'
    if (!isEnding) this.#signal.stop('its session has ended')
    try {
      await this.end(isEnding ? undefined : { reason: 'cancelled' })
    } catch (error) {
      // NOTE: what was left meanwhile was not to be told any more
      if (!this.#outlet.isShut) throw error
    } finally {
      this.#close()
    }
  }

  /** Stops whatever is running and publishes nothing any more, so that another process can go on with the run. */
  leave(): void {
    this.#outlet.shut()
    this.#signal.stop('its session has left it')
    this.#close()
  }

  /** Looks whether somebody else has taken up the run while it waits. */
  considerWaiting(): void {
    if (this.#waiting?.isOver) this.giveUp()
  }

  /** Watches no longer over a run that waits, because it goes on: from then on it is not this one's to end. */
  giveUp(): void {
    if (this.#phase === 'suspended') this.#close()
  }

  #close(): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#finished.resolve()
    this.#signal.unfollow()
    this.host.forget(this)
  }
}

function idOr(given: string | undefined, option: string): string {
  if (given === '') throw misuse('create the run', `"${option}" must not be empty`)
  return given ?? newId()
}
