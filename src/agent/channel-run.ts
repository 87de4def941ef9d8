import type { SessionChannel } from '../ably/session-channel'
import type { Codec } from '../core/codec'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import { newId } from '../core/id'
import type { Row } from '../core/log'
import type { Tree } from '../core/tree'
import { Header, type ChannelMessage } from '../core/wire'
import { abortReason } from './abort-reason'
import { abortable } from './abortable'
import type { AgentRun, RunHooks, RunOutcome } from './agent-run'
import { CancelWatch } from './cancel-watch'
import type { ChunkSource } from './chunk-reader'
import { contextOf, type ContextRule } from './context'
import { identityOf, runEnd, runStart, type RunIdentity } from './headers'
import type { History } from './history'
import type { Invocation } from './invocation'
import { locate } from './locate'
import { misuse } from './misuse'
import { Outlet } from './outlet'
import { isRegeneration, pathTo } from './path'
import { pipe, type PipeResult } from './pipe'
import { Reply } from './reply'
import type { Triggers } from './triggers'

/** What a run needs from its session. */
export interface RunHost<M extends object, Chunk> {
  readonly codec: Codec<M, Chunk>
  readonly channel: SessionChannel
  readonly tree: Tree<M>
  readonly triggers: Triggers
  readonly history: History
  connect(): Promise<void>
  /** The message that a row came with. */
  readonly messageOf: (row: Row) => ChannelMessage
  readonly report: (error: SessionError) => void
  /** Called once, when the run is over or was left. */
  forget(run: ChannelRun<M, Chunk>): void
}

/** What a run is about, known once its trigger is found. */
interface Subject {
  readonly trigger: Row
  readonly identity: RunIdentity
  readonly cancels: CancelWatch
}

// NOTE: bounds memory: a prompt may name a parent that does not exist, and then all of history is looked through
const maxPathPages = 1000

/** A run on a session's channel. */
export class ChannelRun<M extends object, Chunk> implements AgentRun<M, Chunk> {
  readonly runId: string
  readonly invocationId: string
  readonly #controller = new AbortController()
  readonly #outlet: Outlet
  #phase: 'new' | 'starting' | 'open' | 'over' = 'new'
  #subject: Subject | undefined
  #starting: Promise<void> | undefined
  #piping: Promise<PipeResult> | undefined
  /** How the last pipe came out. */
  #piped: PipeResult | undefined
  #ending: Promise<void> | undefined
  #stepCount = 0

  constructor(
    private readonly host: RunHost<M, Chunk>,
    private readonly invocation: Invocation,
    private readonly hooks: RunHooks<Chunk>,
  ) {
    this.runId = idOr(hooks.runId, 'runId')
    this.invocationId = idOr(hooks.invocationId, 'invocationId')
    this.#outlet = new Outlet(host.channel)
  }

  get inputId(): string | undefined {
    return this.#subject?.identity.inputId
  }

  get abortSignal(): AbortSignal {
    return this.#controller.signal
  }

  async start(): Promise<void> {
    if (this.#phase !== 'new') throw misuse('start the run', 'it was started before')
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
    this.hooks.signal?.addEventListener('abort', this.#followSignal)
    if (this.hooks.signal?.aborted) this.#followSignal()
    await abortable(this.host.connect(), this.abortSignal)
    const trigger = await this.#locate()
    this.#subject = this.#subjectOf(trigger)
    await this.considerCancels()
    if (this.#outlet.isShut) throw this.abortSignal.reason
    await this.#outlet.insist(runStart(this.#subject.identity)).catch(failedTo('announce the run'))
    await this.#readPath(this.#subject)
    this.#phase = 'open'
  }

  #locate(): Promise<Row> {
    const { triggers, history } = this.host
    const { triggerTimeout: timeout } = this.hooks
    return locate(this.invocation.inputEventId, { triggers, history, timeout, signal: this.abortSignal })
  }

  #subjectOf(trigger: Row): Subject {
    const { tree, messageOf, report } = this.host
    const { runId, invocationId } = this
    if (trigger.transport[Header.runId] !== undefined) throw misuse('start the run', 'its input continues another run')
    if (!isRegeneration(trigger) && !tree.inputs.has(trigger.transport[Header.messageId] ?? '')) {
      throw misuse('start the run', "its input is not a user's prompt")
    }
    return {
      trigger,
      identity: identityOf(trigger, { runId, invocationId }),
      cancels: new CancelWatch({ runId, trigger, onCancel: this.hooks.onCancel, messageOf, report }),
    }
  }

  /** Reads back until the conversation before the trigger is known: a model must not be asked without it. */
  async #readPath({ trigger, identity }: Subject): Promise<void> {
    const { tree, history } = this.host
    const isKnown = (): boolean => {
      tree.settle()
      const { waypoints, isWhole } = pathTo(tree, trigger)
      return isWhole && history.covers(waypoints[0]?.node.sort ?? trigger.serial)
    }
    try {
      await history.readUntil(() => this.abortSignal.aborted || isKnown(), maxPathPages)
    } catch (cause) {
      const error = toSessionError('read the conversation', ErrorCode.HistoryFailed, cause)
      await this.#publishEnd(identity, { reason: 'error', error })
      throw error
    }
  }

  context({ include }: { include?: ContextRule<M> } = {}): M[] {
    if (!this.#subject || this.#phase === 'starting') throw misuse('read the conversation', 'the run was not started')
    return contextOf(this.host.tree, this.#subject.trigger, include)
  }

  async pipe(stream: ChunkSource<Chunk>): Promise<PipeResult> {
    const isOver = this.#phase === 'over' || this.#ending !== undefined
    // NOTE: a function that goes on after a cancel finds the run over through no fault of its own
    if (isOver && !this.abortSignal.aborted) throw misuse('pipe a stream', 'the run is over')
    if (!isOver && this.#phase !== 'open') throw misuse('pipe a stream', 'the run was not started')
    if (this.#piping) throw misuse('pipe a stream', 'another pipe is still running')
    const { codec, report } = this.host
    const { onCancelled } = this.hooks
    this.#piping = pipe(stream, {
      codec,
      report,
      onCancelled,
      outlet: this.#outlet,
      signal: this.abortSignal,
      open: this.#openReply,
    })
    try {
      return (this.#piped = await this.#piping)
    } finally {
      this.#piping = undefined
    }
  }

  readonly #openReply = (): Promise<Reply<Chunk>> => {
    const { codec, report } = this.host
    const reply = { codec, report, outlet: this.#outlet, identity: this.#subject!.identity }
    return Reply.open(reply, `${this.invocationId}-step-${this.#stepCount++}`)
  }

  async end(outcome?: RunOutcome): Promise<void> {
    if (this.#phase === 'new') throw misuse('end the run', 'it was not started')
    await (this.#ending ??= this.#finish(outcome))
  }

  async #finish(given: RunOutcome | undefined): Promise<void> {
    const isCancelled = this.abortSignal.aborted
    if (this.#piping || this.#phase === 'starting') this.#abort('it has ended')
    await this.#starting?.catch(() => undefined)
    await this.#piping
    if (this.#phase !== 'open') return
    const { reason, error } = given ?? this.#piped ?? { reason: 'complete' }
    const outcome: RunOutcome = { reason: isCancelled && reason === 'complete' ? 'cancelled' : reason, error }
    await this.#publishEnd(this.#subject!.identity, outcome)
  }

  async #publishEnd(identity: RunIdentity, { reason, error }: RunOutcome): Promise<void> {
    try {
      await this.#outlet.insist(runEnd(identity, reason, error)).catch(failedTo('publish the end of the run'))
    } finally {
      this.#close()
    }
  }

  /** Looks at requests to stop that the channel holds, each of them once. */
  async considerCancels(): Promise<void> {
    if (this.abortSignal.aborted || this.#phase === 'over') return
    if (await this.#subject?.cancels.consider(this.host.tree)) this.#abort('it was cancelled')
  }

  /** Ends the run because its session ends. */
  async endWithSession(): Promise<void> {
    this.#abort('its session has ended')
    if (this.#phase === 'new') this.#close()
    else await this.end({ reason: 'cancelled' })
  }

  /** Stops whatever is running and publishes nothing any more, so that another process can go on with the run. */
  leave(): void {
    this.#outlet.shut()
    this.#abort('its session has left it')
    this.#close()
  }

  readonly #followSignal = (): void => this.#abort('the signal given to it aborted', this.hooks.signal?.reason)

  #abort(why: string, cause?: unknown): void {
    if (this.abortSignal.aborted) return
    this.#controller.abort(abortReason(why, cause))
  }

  #close(): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.hooks.signal?.removeEventListener('abort', this.#followSignal)
    this.host.forget(this)
  }
}

function idOr(given: string | undefined, option: string): string {
  if (given === '') throw misuse('create the run', `"${option}" must not be empty`)
  return given ?? newId()
}

/** Rethrows what refused a lifecycle message. */
const failedTo =
  (what: string) =>
  (cause: unknown): never => {
    throw toSessionError(what, ErrorCode.LifecyclePublishFailed, cause)
  }
