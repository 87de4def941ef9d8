import type { RealtimeChannel, RealtimeClient } from 'ably'
import { SessionChannel, type Channel, type ChannelChange } from '../ably/session-channel'
import { absent, AbsentChannel } from '../ably/absent-channel'
import type { Codec } from '../core/codec'
import { deferred } from '../core/deferred'
import { Emitter } from '../core/emitter'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import { RunNode } from '../core/run-node'
import { InputNode } from '../core/input-node'
import type { TreeNode } from '../core/node'
import type { RunInfo } from '../core/run-info'
import { plainPort, type ReactivePort, type Signal } from '../core/port'
import { Tree } from '../core/tree'
import { trustOf, type TrustOptions } from '../core/trust'
import { editIn, type ChannelMessage } from '../core/wire'
import { CatchUp } from './catch-up'
import { FlushScheduler, type FlushMode } from './flush'
import { NewerProtocol } from './newer-protocol'
import type { Given } from './placement'
import { Prompts, type CancelTarget } from './prompts'
import { SessionTree } from './session-tree'
import { Steers, type Steer } from './steers'
import { runOf } from './trigger'
import { Standing, type SessionStatus } from './standing'
import type { PendingPrompt, RunList, RunScope } from './pending'
import { View } from './view'
import type { ViewHost } from './view-host'
import type { AgentTarget } from './wake'

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
  readonly #scheduler: FlushScheduler
  readonly #prompts: Prompts<M>
  readonly #steers: Steers<M>
  readonly #host: ViewHost<M>
  readonly #views = new Set<View<M>>()
  readonly #emitter = new Emitter<SessionEvents>()
  readonly #statusChanged: Signal
  readonly #runsChanged: Signal
  readonly #stops: (() => void)[] = []
  readonly #waiting = new Set<{ target: CancelTarget; done: () => void }>()
  readonly #standing: Standing
  readonly #prepare: ClientSessionOptions<M>['prepare']
  #error: SessionError | undefined
  #connecting: Promise<void> | undefined
  #endingTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: ClientSessionOptions<M>) {
    const { client, sessionName, codec, agent, historyPageSize = 100, flush = 'frame', port = plainPort } = options
    this.#statusChanged = port.signal()
    this.#runsChanged = port.signal()
    this.#standing = new Standing((status) => this.#statusBecame(status))
    this.#prepare = options.prepare
    this.#tree = new Tree(codec, port, trustOf(options))
    this.#channel = client ? new SessionChannel(client, sessionName, codec.name) : new AbsentChannel(sessionName)
    const newer = new NewerProtocol(sessionName)
    this.#catchUp = new CatchUp(this.#channel, this.#tree, historyPageSize, {
      takePage: (fold) => this.#takePage(fold),
      beforeLive: (message) => this.#beforeLive(message),
      unread: (message) => newer.note(message),
    })
    this.#scheduler = new FlushScheduler(flush, () => this.#flush())
    const outbox = {
      channel: this.#channel,
      tree: this.#tree,
      checkOpen: () => this.#checkOpen(),
      ready: () => this.connect(),
    }
    this.#steers = new Steers(outbox)
    this.#prompts = new Prompts({
      ...outbox,
      port,
      agent,
      steers: this.#steers,
      changed: this.#runsChanged,
      flush: () => this.#scheduler.now(),
      runsChanged: () => this.#refreshAll(),
      report: (error) => this.#report(error),
      messagesOf: (runId) => this.tree.messagesOf(runId),
    })
    this.#host = {
      tree: this.#tree,
      port,
      changed: this.#runsChanged,
      history: this.#catchUp,
      prompts: this.#prompts,
      steers: this.#steers,
      isPending: (input) => this.#isPending(input),
      pendingPrompt: (input) => this.#pendingPrompt(input),
      edited: (inputId, by) => this.#stay(inputId, by),
      running: (scope, view) => this.#running(scope, view),
      ended: (targets, limit) => this.#ended(targets, limit),
      loaded: () => this.#loaded(),
      forget: (view) => void this.#views.delete(view as View<M>),
    }
    this.tree = new SessionTree(this.#tree, this.#runsChanged)
    this.view = this.createView()
    port.opaque(this)
  }

  /** The full channel name. */
  get sessionName(): string {
    return this.#channel.name
  }

  get channelName(): string {
    return this.#channel.name
  }

  get status(): SessionStatus {
    this.#statusChanged.track()
    return this.#standing.status
  }

  /** What failed last in the background; undefined after it has been overcome. */
  get error(): SessionError | undefined {
    this.#statusChanged.track()
    return this.#error
  }

  /** Ably presence of the session's channel. */
  get presence(): RealtimeChannel['presence'] {
    return this.#channel.presence
  }

  /**
   * Attaches to the channel; resolves when live messages are heard. Calls after the first answer with the same promise,
   * unless it failed.
   * @throws SessionError 104001 when the channel cannot be attached, 104004 when the session is closed.
   */
  connect(): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError('connect'))
    return (this.#connecting ??= this.#connect().catch((error: unknown) => {
      this.#connecting = undefined
      throw error
    }))
  }

  /** A further view with a branch and a window of its own. Close it when done. */
  createView(): View<M> {
    const view = new View(this.#host)
    this.#views.add(view)
    return view
  }

  /** Runs that have started: those of a view's branch, those of this client, or all. */
  runs(scope: RunScope = 'view', view: RunList = this.view): readonly RunInfo[] {
    if (scope === 'view') return view.runs()
    return this.tree.runs().filter((run) => scope === 'session' || this.#isMine(run.clientId))
  }

  /** Cancels a run, or, by its prompt, one that has not started. Resolves when the channel has the request. */
  cancel(target: CancelTarget): Promise<void> {
    return this.#prompts.cancel(target)
  }

  /** Says something into a run while it goes on. */
  steer(runId: string, given: Given<M>): Steer {
    return this.#steers.steer(runId, given)
  }

  /** Cancels every run that is active or about to start. */
  cancelAll(options?: { scope?: RunScope }): Promise<void> {
    return this.view.cancelAll(options)
  }

  /** Hears of the session's status and of background failures; returns how to stop. */
  on<K extends keyof SessionEvents>(name: K, listener: (event: SessionEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Leaves the channel. Cancels no run: that is what `cancel` is for. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#standing.note({ isClosed: true })
    this.#scheduler.cancel()
    clearTimeout(this.#endingTimer)
    for (const stop of this.#stops.splice(0)) stop()
    this.#prompts.close(closedError('wait for the run'))
    this.#steers.close(closedError('wait for the run'))
    for (const view of this.#views) view.close()
    await this.#channel.detach(this.#heard)
    this.#emitter.clear()
  }

  async #connect(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
    this.#stops.push(
      this.#channel.onConnection((isConnected) => this.#standing.note({ isConnected })),
      this.#channel.onChange((change) => this.#channelChanged(change)),
    )
    this.#standing.note({ isConnecting: true, isFailed: false, isConnected: this.#channel.isConnected })
    try {
      await this.#prepare?.()
      await this.#channel.attach(this.#heard)
    } catch (cause) {
      for (const stop of this.#stops.splice(0)) stop()
      this.#fail(toSessionError('connect the session', ErrorCode.ChannelFailed, cause))
      throw cause
    }
    if (this.#isClosed) throw closedError('connect')
    this.#standing.note({ wasAttached: true, isAttached: true, isConnected: this.#channel.isConnected })
  }

  /** Whether it was made without a client and will never connect. @internal */
  get isIdle(): boolean {
    return this.#channel instanceof AbsentChannel
  }

  get #isClosed(): boolean {
    return this.#standing.facts.isClosed
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError('send')
    if (this.isIdle) throw absent('send')
  }

  readonly #heard = (message: ChannelMessage): void => {
    try {
      if (this.#catchUp.take(message)) this.#scheduler.request()
    } catch (cause) {
      this.#report(toSessionError('take in a channel message', ErrorCode.ChannelFailed, cause))
    }
  }

  /** Somebody else's version of a prompt moves no view that shows another: decided by what each shows at this moment. */
  #beforeLive(message: ChannelMessage): void {
    const edit = editIn(message)
    if (!edit || this.#tree.inputs.has(edit.inputId)) return
    this.#scheduler.now()
    this.#stay(edit.forkOf)
  }

  #stay(inputId: string, by?: object): void {
    for (const view of this.#views) if (view !== by) view.stay(inputId)
  }

  #channelChanged({ state, resumed, reason }: ChannelChange): void {
    const isAttached = state === 'attached'
    // What happens before the first attach is told by `connect()`
    const { wasAttached } = this.#standing.facts
    this.#standing.note({ isAttached })
    if (wasAttached && isAttached && !resumed) void this.#repair()
    if (wasAttached && state === 'failed')
      this.#fail(toSessionError('stay on the channel', ErrorCode.ChannelFailed, reason))
  }

  async #repair(): Promise<void> {
    this.#standing.note({ isRepairing: true })
    try {
      const result = await this.#catchUp.repair()
      if (result === 'superseded') return
      this.#scheduler.now()
      this.#standing.note({ isRepairing: false, hasGap: result === 'gap' })
    } catch (cause) {
      this.#scheduler.now()
      this.#standing.note({ isRepairing: false, hasGap: true })
      this.#report(toSessionError('catch up with the session', ErrorCode.ContinuityLost, cause))
    }
  }

  #statusBecame(status: SessionStatus): void {
    if (status === 'ready') this.#error = undefined
    this.#statusChanged.trigger()
    this.#emitter.emit('status', status)
  }

  /** The channel refused; `connect()` tries again. */
  #fail(error: SessionError): void {
    this.#connecting = undefined
    this.#standing.note({ isFailed: true })
    this.#report(error)
  }

  #report(error: SessionError): void {
    this.#error = error
    this.#statusChanged.trigger()
    this.#emitter.emit('error', error)
  }

  /** A page of older messages stays out of sight until a view asks; runs it brought tell nothing as if it were new. */
  #takePage(fold: () => void): void {
    this.#scheduler.now()
    fold()
    const { touched } = this.#tree.settle()
    // Text that history does not have is not on its way
    this.#tree.forgetEnding()
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
    if (this.#tree.isEnding) this.#endingTimer ??= setTimeout(() => this.#forgetEnding(), tailLimit)
    if (settled.runs || settled.structure) this.#runsChanged.trigger()
    for (const view of this.#views) view.refresh(settled)
    this.#follow(settled.touched)
  }

  #forgetEnding(): void {
    this.#endingTimer = undefined
    this.#tree.forgetEnding()
    this.#flush()
  }

  #refreshAll(): void {
    this.#runsChanged.trigger()
    for (const view of this.#views) view.refresh({ structure: false, runs: true, transitions: [], touched: [] })
  }

  #follow(runs: Iterable<RunNode<M>>): void {
    for (const run of runs) {
      this.#prompts.follow(run)
      this.#steers.follow(run)
      if (run.hasEnded) this.#settleWaiting(run)
    }
  }

  #settleWaiting(run: RunNode<M>): void {
    for (const waiting of this.#waiting) {
      const { target } = waiting
      if (typeof target === 'string' ? target !== run.key : target.inputId !== run.inputId) continue
      this.#waiting.delete(waiting)
      waiting.done()
    }
  }

  /** Resolves when all of these runs have ended, at the latest after `limit` milliseconds. */
  async #ended(targets: readonly CancelTarget[], limit: number): Promise<void> {
    const waits = targets.filter((target) => !this.#runOf(target)?.hasEnded).map((target) => this.#wait(target))
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, limit)))
    await Promise.race([Promise.all(waits.map(({ ended }) => ended)), tooLong])
    clearTimeout(timer)
    for (const { stop } of waits) stop()
  }

  #wait(target: CancelTarget): { ended: Promise<void>; stop: () => void } {
    const { promise: ended, resolve: done } = deferred()
    const waiting = { target, done }
    this.#waiting.add(waiting)
    return { ended, stop: () => void this.#waiting.delete(waiting) }
  }

  #runOf(target: CancelTarget): RunNode<M> | undefined {
    return typeof target === 'string' ? this.#tree.runs.get(target) : runOf(this.#tree, target)
  }

  #isAnswered(input: InputNode<M>): boolean {
    if (runOf(this.#tree, { inputId: input.key })) return true
    return this.#tree.children(input.key).some((child) => child instanceof RunNode && child.visible)
  }

  #running(scope: RunScope, view: RunList): CancelTarget[] {
    const runs = this.runs(scope, view).filter((run) => run.status === 'active')
    const prompts = scope === 'view' ? view.pending() : this.#pendingAnywhere(scope)
    // NOTE: a prompt that was stopped, or whose agent cannot be woken, has nothing more to stop
    const waiting = prompts.filter((prompt) => !prompt.cancelling && prompt.wake?.state !== 'failed')
    return [...runs.map((run) => run.runId), ...waiting.map(({ inputId }) => ({ inputId }))]
  }

  #pendingAnywhere(scope: RunScope): readonly PendingPrompt[] {
    return [...this.#tree.inputs.values(), ...this.#tree.awaited()]
      .filter((input) => input.visible && this.#isPending(input))
      .map((input) => this.#pendingPrompt(input))
      .filter(({ clientId }) => scope !== 'mine' || this.#isMine(clientId))
  }

  #pendingPrompt(input: TreeNode<M>): PendingPrompt {
    const wake = this.#prompts.wakeOf(input.key)
    const cancel = this.#tree.cancelOf(input)
    return {
      inputId: input.key,
      clientId: input instanceof RunNode ? this.#tree.info(input).clientId : (input as InputNode<M>).clientId,
      ...(wake && { wake }),
      ...(cancel && { cancelling: { by: cancel.clientId, at: cancel.timestamp } }),
    }
  }

  #isMine(owner: string): boolean {
    return owner === (this.#channel.clientId ?? '')
  }

  #isPending(input: TreeNode<M>): boolean {
    return !(input instanceof InputNode) || (!input.isFailed && !this.#isAnswered(input))
  }
}

const closedError = (what: string): SessionError =>
  new SessionError(`unable to ${what}; the session is closed`, ErrorCode.Closed)
