import type { RealtimeChannel, RealtimeClient } from 'ably'
import { SessionChannel, type Channel } from '../ably/session-channel'
import { absent, AbsentChannel } from '../ably/absent-channel'
import type { Codec } from '../core/codec'
import { Emitter } from '../core/emitter'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import type { RunNode } from '../core/run-node'
import type { RunInfo } from '../core/run-info'
import { plainPort, type ReactivePort, type Signal } from '../core/port'
import { Tree } from '../core/tree'
import { trustOf, type TrustOptions } from '../core/access'
import { isEdit, MessageName, type ChannelMessage } from '../core/wire'
import { Attachment } from './attachment'
import { CatchUp } from './catch-up'
import { Clock } from './clock'
import { Endings } from './endings'
import { FlushScheduler, type FlushMode } from './flush'
import { NewerProtocol } from './newer-protocol'
import { Outbox } from './outbox'
import type { RunList, RunScope } from './pending'
import { PendingPrompts } from './pending-prompts'
import type { SendInput } from './placement'
import { Prompts } from './prompts'
import { SessionTree } from './session-tree'
import type { Shared } from './shared'
import { Steers, type Steer } from './steers'
import { Stops, type CancelTarget } from './stops'
import type { SessionStatus } from './standing'
import { View } from './view'
import type { ViewHost } from './view-host'
import type { AgentTarget, WakeInfo } from './wake'
import { Wakes } from './wakes'

export interface ClientSessionOptions<M extends object> extends TrustOptions {
  /** An Ably client; the session never closes it. Without one the session stays idle, as on a server that renders. */
  client?: RealtimeClient
  /** The full name of the session's channel, namespace included. */
  sessionName: string
  codec: Codec<M>
  /** What to wake when a prompt has been sent; without it the app wakes the agent itself (`run.toInvocation()`). */
  agent?: AgentTarget
  /** Messages per page of history, 1 to 1000. @default 100 */
  historyPageSize?: number
  /** When gathered tokens reach the views. @default 'frame' */
  flush?: FlushMode
  /** How state is made observable. @internal */
  port?: ReactivePort
  /** Called before the channel is attached. @internal */
  prepare?: () => Promise<void>
}

interface SessionEvents {
  status: SessionStatus
  /**
   * Something failed in the background, where no caller waits for it. A run that ends with an error is none of this: it is
   * told by `run.error`, and by the view's `run` event when it happens.
   */
  error: SessionError
}

/** How long the end of a run is held back for the rest of its text, in milliseconds. */
const tailLimit = 1000

/** One conversation on one channel. It survives the page, the device and the agent's process: they all just look at it. */
export class ClientSession<M extends object> {
  /** The session's default view. */
  readonly view: View<M>
  /** All runs and messages, whatever the branch. */
  readonly tree: SessionTree<M>
  readonly #tree: Tree<M>
  readonly #channel: Channel
  readonly #catchUp: CatchUp<M>
  readonly #attachment: Attachment<M>
  readonly #outbox: Outbox
  readonly #scheduler: FlushScheduler
  readonly #clock = new Clock(() => this.#look())
  readonly #prompts: Prompts<M>
  readonly #steers: Steers<M>
  readonly #stops: Stops<M>
  readonly #wakes: Wakes<M>
  readonly #pending: PendingPrompts<M>
  readonly #endings: Endings<M>
  readonly #host: ViewHost<M>
  readonly #views = new Set<View<M>>()
  readonly #emitter = new Emitter<SessionEvents>()
  readonly #statusChanged: Signal
  readonly #runsChanged: Signal
  #error: SessionError | undefined
  #closing: Promise<void> | undefined

  constructor(options: ClientSessionOptions<M>) {
    const { client, sessionName, codec, agent, historyPageSize = 100, flush = 'frame', port = plainPort } = options
    this.#statusChanged = port.signal()
    this.#runsChanged = port.signal()
    const tree = (this.#tree = new Tree(codec, port, trustOf(options)))
    const channel = client ? new SessionChannel(client, sessionName, codec.name) : new AbsentChannel(sessionName)
    this.#channel = channel
    const newer = new NewerProtocol(sessionName)
    const catchUp = (this.#catchUp = new CatchUp(channel, tree, historyPageSize, {
      takePage: (fold) => this.#takePage(fold),
      beforeLive: (message) => this.#beforeLive(message),
      unread: (message) => newer.note(message),
    }))
    this.#scheduler = new FlushScheduler(flush, () => this.#flush())
    this.#attachment = new Attachment(channel, catchUp, {
      prepare: options.prepare,
      heard: (message) => this.#hear(message),
      isBack: () => this.#outbox.flush(),
      caughtUp: () => this.#scheduler.now(),
      statusBecame: (status) => this.#statusBecame(status),
      report: (error) => this.#report(error),
      closedError,
    })
    const outbox = (this.#outbox = new Outbox(channel, () => this.#attachment.reach()))
    this.#endings = new Endings(tree)
    const shared: Shared<M> = {
      channel,
      tree,
      port,
      agent,
      outbox,
      clock: this.#clock,
      changed: this.#runsChanged,
      checkOpen: () => this.#checkOpen(),
      isInStep: () => this.#attachment.status === 'ready',
      flush: () => this.#scheduler.now(),
      refresh: (runs) => this.#refreshAll(runs),
      report: (error) => this.#report(error),
    }
    const all = (this.tree = new SessionTree(tree, this.#runsChanged))
    const steers = (this.#steers = new Steers(shared))
    const wakes = (this.#wakes = new Wakes(shared))
    const stops = (this.#stops = new Stops(shared, wakes))
    const prompts = (this.#prompts = new Prompts(shared, all, steers, stops, wakes))
    const pending = (this.#pending = new PendingPrompts(shared, prompts, stops, wakes))
    this.#host = {
      ...shared,
      session: this,
      all,
      history: catchUp,
      prompts,
      steers,
      pending,
      endings: this.#endings,
      loaded: () => this.#loaded(),
      forget: (view) => void this.#views.delete(view as View<M>),
    }
    this.view = this.createView()
    port.opaque(this)
  }

  /** The full channel name. */
  get sessionName(): string {
    return this.#channel.name
  }

  /** The full channel name, by Ably's word; an alias of `sessionName`. */
  get channelName(): string {
    return this.#channel.name
  }

  get status(): SessionStatus {
    this.#statusChanged.track()
    return this.#attachment.status
  }

  /** What failed last in the background; undefined after it has been overcome. */
  get error(): SessionError | undefined {
    this.#statusChanged.track()
    return this.#error
  }

  /** Ably presence of the session's channel. @throws SessionError 104007 without a client, as on a server. */
  get presence(): RealtimeChannel['presence'] {
    return this.#channel.presence
  }

  /**
   * Attaches to the channel; resolves when live messages are heard, which is later while the network is away. A channel
   * that was refused is tried again, and so is what could not be read back. Needed only once: a session stays on its
   * channel by itself as far as it can.
   * @throws SessionError 104001 when the channel cannot be attached, 104004 when the session is closed.
   */
  connect(): Promise<void> {
    return this.#attachment.connect()
  }

  /**
   * A further view with a branch and a window of its own. Close it when done. Made of what `useClientSession` gives, it
   * moves along when the name changes, to a view that is new there, and a component that makes it in `setup` closes it.
   */
  createView(): View<M> {
    const view = new View(this.#host)
    this.#views.add(view)
    return view
  }

  /** Runs that have started: those of a view's branch, those of this client, or all. */
  runs(scope: RunScope = 'view', view: RunList = this.view): readonly RunInfo[] {
    return view.runs(scope)
  }

  /**
   * Cancels a run, or, by its message id, what has not started. Resolves when the channel has the request.
   * @throws SessionError 40003 for an empty id, 104005 when it could not be published.
   */
  async cancel(target: CancelTarget): Promise<void> {
    const id = typeof target === 'string' ? target : (target.runId ?? target.inputId)
    if (id === '') {
      const why = 'the id is empty, as that of a run is until it has started: cancel it by { inputId }'
      throw new SessionError(`unable to cancel the run; ${why}`, ErrorCode.BadRequest)
    }
    const { runs, inputs } = this.#tree
    const waiting = runs.has(id) ? undefined : this.#pending.find(id)
    const named = inputs.has(id) ? { inputId: id } : target
    await this.#stops.cancel(waiting ?? named, this.#prompts.find(id)?.turn)
  }

  /**
   * Wakes the agent for something that is pending, whoever sent it; again if that was tried before. It is answered once,
   * however often the agent is woken.
   * @throws SessionError 40003 when nothing is pending under this message id, or the session has no agent.
   */
  wake(inputId: string): WakeInfo {
    const waiting = this.#pending.find(inputId)
    if (!waiting) {
      throw new SessionError(`unable to wake the agent; nothing is pending for "${inputId}"`, ErrorCode.BadRequest)
    }
    return this.#prompts.wake(waiting)
  }

  /** Says something into a run while it goes on. */
  steer(runId: string, given: SendInput<M>): Steer {
    return this.#steers.steer(runId, given)
  }

  /** Cancels every run that is active, about to start, or waits for somebody. */
  cancelAll(options?: { scope?: RunScope }): Promise<void> {
    return this.view.cancelAll(options)
  }

  /** Hears of the session's status and of background failures; returns how to stop. */
  on<K extends keyof SessionEvents>(name: K, listener: (event: SessionEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Leaves the channel. Cancels no run: that is what `cancel` is for. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const left = this.#attachment.close()
    this.#scheduler.cancel()
    this.#clock.stop()
    this.#outbox.close(closedError('publish'))
    this.#wakes.close()
    this.#prompts.close(closedError('wait for the run'))
    this.#steers.close(closedError('wait for the run'))
    for (const view of this.#views) view.close()
    await left
    this.#emitter.clear()
  }

  /** Whether it was made without a client and will never connect. @internal */
  get isIdle(): boolean {
    return this.#channel instanceof AbsentChannel
  }

  #checkOpen(): void {
    if (this.#attachment.isClosed) throw closedError('send')
    if (this.isIdle) throw absent('send')
  }

  #hear(message: ChannelMessage): void {
    try {
      if (this.#catchUp.take(message)) this.#scheduler.request()
    } catch (cause) {
      this.#report(toSessionError('take in a channel message', ErrorCode.ChannelFailed, cause))
    }
  }

  #beforeLive(message: ChannelMessage): void {
    const { name, serial } = message
    if (serial !== undefined && (name === MessageName.input || name === MessageName.cancel)) this.#clock.hear(serial)
    // NOTE: a version of a prompt moves no view that shows the prompt, also when both come between two frames
    if (isEdit(message)) this.#scheduler.now()
  }

  #statusBecame(status: SessionStatus): void {
    if (status === 'ready') {
      this.#error = undefined
      this.#look()
    }
    this.#statusChanged.trigger()
    this.#emitter.emit('status', status)
  }

  #report(error: SessionError): void {
    this.#error = error
    this.#statusChanged.trigger()
    this.#emitter.emit('error', error)
  }

  /** A page of older messages stays out of sight until a view asks; runs it brought tell nothing as if it were new. */
  #takePage(fold: () => void): void {
    this.#scheduler.now()
    const live = new Set(this.#tree.ending.keys())
    fold()
    const { touched } = this.#tree.settle()
    // Text that history does not have is not on its way
    this.#tree.endOverdue((run) => !live.has(run))
    const { touched: ended } = this.#tree.settle()
    for (const view of this.#views) view.hold()
    this.#follow([...touched, ...ended])
  }

  /** Lists are made anew once for all pages of a load: done for each page, that would cost more with each. */
  #loaded(): void {
    this.#runsChanged.trigger()
    for (const view of this.#views) view.refresh({ structure: true, runs: true, transitions: [], touched: [] })
  }

  #flush(): void {
    const settled = this.#tree.settle()
    this.#prompts.review()
    if (settled.runs || settled.structure) this.#runsChanged.trigger()
    for (const view of this.#views) view.refresh(settled)
    this.#follow(settled.touched)
    if (settled.touched.length > 0) this.#endOverdue()
  }

  /** Ends runs the rest of whose text has had its time to come; looks again when that of the others has. */
  #endOverdue(): void {
    if (this.#tree.endOverdue((_, since) => this.#clock.hasCome(since + tailLimit))) this.#flush()
  }

  #refreshAll(touched: readonly RunNode<M>[] = []): void {
    this.#runsChanged.trigger()
    for (const view of this.#views) view.refresh({ structure: false, runs: true, transitions: [], touched })
  }

  /** Time has passed, or is counted again. */
  #look(): void {
    this.#endOverdue()
    this.#refreshAll(this.#stops.review())
  }

  #follow(runs: Iterable<RunNode<M>>): void {
    for (const run of runs) {
      this.#wakes.follow(run)
      this.#prompts.follow(run)
      this.#steers.follow(run)
      this.#stops.follow(run)
      this.#endings.follow(run)
    }
  }
}

const closedError = (what: string): SessionError =>
  new SessionError(`unable to ${what}; the session is closed`, ErrorCode.Closed)
