import { isForGood } from '../ably/publish-error'
import { deferred, abortable } from '../core/signals'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import { MessageName } from '../core/wire'
import type {
  AgentRun,
  AgentStep,
  ChunkSource,
  ContextRule,
  PipeResult,
  RetryOptions,
  RunOutcome,
  RunPhase,
  StepOptions,
} from './agent-run'
import { CancelReview } from './cancel-review'
import type { AgentChannel, Heard, OpenRun } from './channel'
import { announce, declareEnd } from './claim'
import { contextOf, outcomeAfter } from './context'
import { failureOf, runSuspend } from './run-messages'
import { LiveRun, type InternalHooks, type RunTarget } from './live-run'
import { waitForText, readPath } from './lookup'
import { RunOutput, stepReasonOf } from './run-output'
import { admitRun, findAdopted, findInvoked } from './run-target'
import { DeadRuns } from './dead-runs'
import { SteerPasses } from './steer-passes'

/** A run on a session's channel: its phases from `start()` to its end. */
export class ChannelRun<M extends object, Chunk> implements AgentRun<M, Chunk>, OpenRun {
  readonly #run: LiveRun<M, Chunk>
  readonly #cancels: CancelReview
  readonly #steers: SteerPasses
  readonly #output: RunOutput<Chunk>
  readonly #finished = deferred()
  #ending: Promise<void> | undefined
  #outcome: RunOutcome | undefined
  /** Whether its start may be on the channel; for an adopted run it is. */
  #isOnChannel: boolean
  hasFailedToEnd = false
  /** Serial of the message that suspended the run. */
  #suspendedAt: string | undefined

  /** @param options - `isAdopted`: whether another process has started the run */
  constructor(
    channel: AgentChannel<M, Chunk>,
    inputEventId: string,
    hooks: InternalHooks<Chunk>,
    { isAdopted = false }: { isAdopted?: boolean } = {},
  ) {
    this.#run = new LiveRun(channel, inputEventId, hooks)
    this.#isOnChannel = isAdopted
    this.#cancels = new CancelReview(this.#run)
    this.#steers = new SteerPasses(this.#run)
    this.#output = new RunOutput(this.#run, this.#steers)
    channel.runs.add(this)
  }

  get runId(): string {
    return this.#run.runId
  }

  get invocationId(): string {
    return this.#run.invocationId
  }

  get inputId(): string | undefined {
    return this.#run.isTargetKnown ? this.#run.identity.inputId : undefined
  }

  get phase(): RunPhase {
    return this.#run.phase
  }

  get finished(): Promise<void> {
    return this.#finished.promise
  }

  get abortSignal(): AbortSignal {
    return this.#run.signal
  }

  toJSON(): { runId: string; invocationId: string; inputEventId: string } {
    const { runId, invocationId, inputEventId } = this.#run
    return { runId, invocationId, inputEventId }
  }

  async start(): Promise<void> {
    this.#run.permit('start', 'start the run')
    this.#run.phase = 'starting'
    this.#run.starting = this.#start()
    try {
      await this.#run.starting
    } catch (error) {
      this.#close()
      throw error
    }
  }

  async #start(): Promise<void> {
    const run = this.#run
    const { channel } = run
    run.watchSignal()
    await abortable(channel.connect(), run.signal)
    const target = (run.target = await (this.#isOnChannel ? findAdopted(run) : findInvoked(run)))
    run.hooks.onFound?.()
    await this.#reviewCancels()
    if (target.announcement) await admitRun(run)
    if (run.publisher.isShut) throw run.signal.reason
    this.#isOnChannel = true
    channel.presence.add(this)
    if (target.announcement) await announce(channel, run.publisher, target.announcement, run.invocationId)
    this.#takeOver()
    await readPath(channel, target.trigger, run.signal).catch((cause: unknown) => this.#failToRead(target, cause))
    if (target.announcement) await waitForText(channel, run.runId)
    else await run.publisher.closeOrphanedStreams(channel.tree, run.runId)
    await this.#steers.review()
    void new DeadRuns(channel, run.hooks, run.invocationId).endAll()
    // NOTE: the session may have left the run meanwhile, or another agent may have ended it
    if (run.phase === 'starting') run.phase = 'open'
    this.#reviewOthers()
  }

  /** Takes the run over from an earlier invocation in this process, which watches it while it is suspended. */
  #takeOver(): void {
    for (const other of this.#run.channel.runs) if (other !== this && other.runId === this.runId) other.giveUp()
  }

  async #failToRead({ announcement }: RunTarget, cause: unknown): Promise<never> {
    const error = toSessionError('read the conversation', ErrorCode.HistoryFailed, cause)
    // NOTE: an adopted run is not ended for everyone because this process cannot read
    if (announcement) await this.#publishEnd({ reason: 'error', error: this.#run.failureFor(error) })
    throw error
  }

  context({ include }: { include?: ContextRule<M> } = {}): M[] {
    this.#run.permit('read', 'read the conversation')
    this.#steers.noteRead()
    return contextOf(this.#run.channel, this.#run.target.trigger, include, this.#own)
  }

  get #own() {
    const { runId, target, publisher, answers } = this.#run
    const { ownerClientId } = target
    return { runId, ownerClientId, published: publisher.published, answers, isIgnored: this.#steers.isIgnored }
  }

  hasInput(): boolean {
    return this.#run.phase === 'open' && !this.abortSignal.aborted && this.#steers.hasInput()
  }

  pipe(stream: ChunkSource<Chunk>): Promise<PipeResult> {
    return this.#output.pipe(stream)
  }

  get hasPiped(): boolean {
    return this.#output.hasPiped
  }

  idle(): Promise<void> {
    return this.#output.idle()
  }

  step(options?: string | StepOptions): Promise<AgentStep<Chunk>>
  step<T>(work: (step: AgentStep<Chunk>) => T | PromiseLike<T>, options?: RetryOptions): Promise<T>
  step<T>(
    given: string | StepOptions | ((step: AgentStep<Chunk>) => T | PromiseLike<T>) = {},
    options: RetryOptions = {},
  ): Promise<AgentStep<Chunk> | T> {
    if (typeof given === 'function') return this.#output.tryStep(given, options)
    return this.#output.openStep(typeof given === 'string' ? { id: given } : given)
  }

  async suspend(): Promise<void> {
    if (this.#run.phase !== 'ending' || this.#outcome?.reason !== 'suspend')
      this.#run.permit('suspend', 'suspend the run')
    this.#output.checkIdle('suspend the run')
    await this.end({ reason: 'suspend' })
  }

  async end(outcome?: RunOutcome): Promise<void> {
    this.#run.permit('end', 'end the run')
    await (this.#ending ?? this.#endBy(this.#finish(outcome)))
  }

  /** Remembers that the run is ending, until that fails: then it can be tried again. */
  async #endBy(work: Promise<void>): Promise<void> {
    this.#ending = work
    this.hasFailedToEnd = false
    try {
      await work
    } catch (error) {
      if (this.#ending === work) this.#ending = undefined
      const { cause } = error as SessionError
      // NOTE: presence stops naming the run, so that the next agent that is woken ends it
      this.hasFailedToEnd = true
      this.#run.channel.presence.delete(this)
      // NOTE: an agent without the right to publish would otherwise keep every run in memory
      if (isForGood(cause)) this.#close()
      throw error
    }
  }

  async #finish(given: RunOutcome | undefined): Promise<void> {
    if (this.#output.isBusy || this.#run.phase === 'starting') this.#run.abort('it has ended')
    await this.#run.starting?.catch(() => undefined)
    if (this.#run.phase !== 'open' && this.#run.phase !== 'ending') return
    this.#run.phase = 'ending'
    const lastPipe = await this.#output.settle()
    const ended =
      given ?? this.#outcome ?? outcomeAfter(this.#run.channel, this.#run.target.trigger, this.#own, lastPipe)
    const outcome = (this.#outcome = this.#forClients(ended, lastPipe))
    const result: RunOutcome = this.#run.isStopped && outcome.reason !== 'error' ? { reason: 'cancelled' } : outcome
    await this.#output.close(stepReasonOf(result))
    await (result.reason === 'suspend' ? this.#publishSuspend() : this.#publishEnd(result))
  }

  /** An outcome with the text for clients, if its error is the failure of the last pipe. */
  #forClients(outcome: RunOutcome, lastPipe: PipeResult | undefined): RunOutcome {
    const { error } = outcome
    // NOTE: an error without a cause is the text of a chunk, which the app has chosen for its clients
    const isOurs = error !== undefined && error === lastPipe?.error && lastPipe.error.cause !== undefined
    return isOurs ? { ...outcome, error: this.#run.failureFor(error) } : outcome
  }

  async #publishSuspend(): Promise<void> {
    const { publisher, identity, answers } = this.#run
    this.#suspendedAt = await publisher.declare('suspend the run', runSuspend(identity, answers.take()))
    this.#run.channel.presence.delete(this)
    this.#run.phase = 'suspended'
    this.#finished.resolve()
    this.#run.unwatchSignal()
    this.#reviewOthers()
    // NOTE: a cancel may have arrived while the suspend was published, when there was no work left to stop
    await (this.#run.isStopped ? this.#endSuspended() : this.#reviewCancels())
    await this.#run.channel.archived(this.runId)
  }

  async #publishEnd({ reason, error }: RunOutcome): Promise<void> {
    const { publisher, identity, cutOff } = this.#run
    await declareEnd(this.#run.channel, publisher, identity, {
      reason: reason === 'suspend' ? 'complete' : reason,
      failure: failureOf(error),
      cutOff,
      answers: this.#run.answers.takeLast(this.#run.channel.tree.runs.get(this.runId)),
    })
    this.#close()
    await this.#run.channel.archived(this.runId)
  }

  review(heard?: Heard): void {
    const { name, row } = heard ?? {}
    if (!heard || resumesOrEnds.has(name)) this.#reviewOthers()
    if (!heard || (row && name === MessageName.cancel)) void this.#reviewCancels(row)
    if ((!heard || (row && name === MessageName.input)) && this.#run.isTargetKnown) void this.#steers.review(row)
  }

  async #reviewCancels(heard?: Row): Promise<void> {
    if (this.#run.isStopped || this.#run.phase === 'over' || !this.#run.isTargetKnown) return
    const decision = this.#cancels.review(heard)
    // NOTE: a Stop that is decided on takes effect before anything else happens
    const cancel = decision instanceof Promise ? await decision : decision
    if (!cancel) return
    this.#run.stopFor(cancel)
    await this.#endSuspended()
  }

  /** Ends a suspended run that was cancelled: no work is left that would end it. */
  async #endSuspended(): Promise<void> {
    if (this.#run.phase !== 'suspended') return
    this.#run.phase = 'ending'
    await this.#endBy(this.#publishEnd({ reason: 'cancelled' })).catch(this.#run.channel.report)
  }

  async endWithSession(): Promise<void> {
    if (this.#run.phase === 'new' || this.#run.phase === 'suspended') return this.#close()
    // NOTE: the client wakes another agent for its prompt
    if (this.#run.phase === 'starting' && !this.#isOnChannel) return this.leave('its session has ended')
    const isEnding = this.#run.phase === 'ending'
    if (!isEnding) this.#run.stop('its session has ended')
    try {
      await this.end(isEnding ? undefined : { reason: 'cancelled' })
    } catch (error) {
      // NOTE: a run that was left meanwhile publishes no end
      if (!this.#run.publisher.isShut) throw error
    } finally {
      this.#close()
    }
  }

  leave(reason = 'its session has left it'): void {
    this.#run.publisher.shut()
    this.#run.stop(reason)
    this.#close()
  }

  /** Stops working on a run that another agent has ended, and watching a suspended one that was resumed elsewhere. */
  #reviewOthers(): void {
    const rows = this.#run.channel.tree.runs.get(this.runId)?.rows ?? []
    const since = this.#suspendedAt ?? ''
    if (rows.some(({ name, serial }) => resumesOrEnds.has(name) && serial > since)) this.giveUp()
    const isWaiting = this.#run.phase === 'open' || this.hasFailedToEnd
    if (isWaiting && rows.some(({ name }) => name === MessageName.runEnd)) this.leave('another agent has ended it')
  }

  giveUp(): void {
    if (this.#run.phase === 'suspended') this.#close()
  }

  #close(): void {
    if (this.#run.phase === 'over') return
    this.#run.phase = 'over'
    this.#finished.resolve()
    this.#run.unwatchSignal()
    this.#run.channel.presence.delete(this)
    this.#run.channel.runs.delete(this)
  }
}

const resumesOrEnds: ReadonlySet<string | undefined> = new Set([MessageName.runResume, MessageName.runEnd])
