import { absent, AbsentChannel } from '../ably/absent-channel'
import { Outbox } from '../ably/outbox'
import { SessionChannel, type Channel } from '../ably/session-channel'
import { ownerOnly, trustOf } from '../core/access'
import { warn } from '../core/diagnostics'
import { Emitter, plainPort, type ReactivePort, type Signal } from '../core/signals'
import { badRequest, ErrorCode, toSessionError, type SessionError } from '../core/errors'
import { InputNode } from '../core/input-node'
import type { TreeNode } from '../core/node'
import type { RunInfo, WakeInfo } from '../core/run-info'
import type { Subject } from '../core/nodes'
import { RunNode } from '../core/run-node'
import { Tree, type Settled } from '../core/tree'
import { isEdit, MessageName, type ChannelMessage } from '../core/wire'
import { Cancellations, checkedId, type Cancellable, type CancelTarget } from './cancellations'
import { CatchUp } from './catch-up'
import { Connection } from './connection'
import {
  closedError,
  type Changes,
  type ClientSessionOptions,
  type SessionContext,
  type SessionEvents,
  type SessionStatus,
  type SessionView,
} from './context'
import { PendingInputs } from './pending-inputs'
import type { PlacedInput } from './placed-input'
import { RunWatch } from './run-watch'
import { Deadlines, FlushScheduler, IdleWork, Waits } from './scheduling'
import { targetOf, type PlacedSendOptions, type RunLists, type RunScope, type Submission } from './submission'
import { Submissions } from './submissions'
import { Wakes } from './wake'

/** How long the end of a run is held back for the rest of its text, in milliseconds. */
const tailLimit = 1000

// NOTE: rows that wait for long cost the garbage collector more than packing costs
const maxLoose = 2000

/**
 * The inside of a client session. One way in: a channel message is applied to the tree (live ones by `hear`). One way
 * out: the settled tree is applied to the parts, then to each view (`refresh`), once per frame and once per verb.
 */
export class Session<M extends object> implements SessionContext<M> {
  readonly options: ClientSessionOptions<M>
  readonly port: ReactivePort
  readonly tree: Tree<M>
  readonly channel: Channel
  readonly hasNoClient: boolean
  readonly outbox: Outbox
  readonly deadlines = new Deadlines<Subject<M>>((due) => this.#expire(due))
  readonly waits = new Waits()
  readonly changed: Signal
  readonly catchUp: CatchUp<M>
  readonly wakes: Wakes<M>
  readonly cancellations: Cancellations<M>
  readonly submissions: Submissions<M>
  readonly #watch: RunWatch<M>
  readonly pending: PendingInputs<M>
  readonly views = new Set<SessionView<M>>()
  readonly emitter = new Emitter<SessionEvents>()
  readonly #connection: Connection<M>
  readonly #scheduler: FlushScheduler
  /** A pending prompt is not packed, because each change of its state reads its rows. */
  readonly #packing = new IdleWork<TreeNode<M>>((node) => this.pending.get(node) ?? this.tree.compact([node]), maxLoose)
  readonly #statusSignal: Signal
  /** Subjects that have changed since the last refresh. */
  readonly #touched = new Set<Subject<M>>()
  /** How many verbs, or changes of parts, are running inside each other: no view is refreshed meanwhile. */
  #verbs = 0
  #error: SessionError | undefined
  #closing: Promise<void> | undefined

  constructor(options: ClientSessionOptions<M>) {
    const { client, rest, sessionName, codec, flush = 'frame', port = plainPort } = options
    this.options = options
    this.port = port
    this.tree = new Tree(codec, port, trustOf(options))
    this.hasNoClient = !client
    this.channel = client ? new SessionChannel(client, sessionName, codec.name) : new AbsentChannel(sessionName, rest)
    const echo = (messages: readonly ChannelMessage[]): void => messages.forEach(this.hear)
    this.outbox = new Outbox(this.channel, () => this.connect(), echo)
    this.changed = port.signal()
    this.#statusSignal = port.signal()
    this.#scheduler = new FlushScheduler(flush, () => this.refresh())
    this.catchUp = new CatchUp(this)
    this.#connection = new Connection(this, this.catchUp)
    this.wakes = new Wakes(this)
    this.cancellations = new Cancellations(this, this.wakes)
    this.submissions = new Submissions(this, this.wakes)
    this.#watch = new RunWatch(this, this.cancellations, this.wakes)
    this.pending = new PendingInputs(this, this.submissions, this.cancellations, this.wakes)
  }

  get status(): SessionStatus {
    this.#statusSignal.track()
    return this.#connection.status
  }

  get error(): SessionError | undefined {
    this.#statusSignal.track()
    return this.#error
  }

  get isInStep(): boolean {
    return this.#connection.status === 'ready'
  }

  get isCatchingUp(): boolean {
    return this.#connection.status === 'repairing'
  }

  isLate(subject: Subject<M>, moment: number): boolean {
    return this.isInStep && this.deadlines.isDue(moment, subject)
  }

  connect(): Promise<void> {
    return this.#connection.connect()
  }

  checkOpen(action: string): void {
    if (this.#connection.isClosed) throw closedError(action)
    if (this.hasNoClient) throw absent(action)
  }

  /** @param submission - the input that is to be cancelled, if this session has sent it */
  async cancel(target: CancelTarget, submission?: Submission): Promise<void> {
    const id = checkedId(target)
    const own = submission ?? this.submissions.find(id)
    const { runs, inputs } = this.tree
    warn('cancelRefused', this, id)
    const pending = runs.has(id) ? undefined : this.pending.find(id)
    const named = inputs.has(id) ? { inputId: id } : typeof target === 'string' ? { runId: id } : target
    await this.cancellations.cancel(own ?? pending ?? named, own)
  }

  /** Sends an input, after it has cancelled the runs of the view that it interrupts. */
  send(
    placed: PlacedInput<M>,
    { whenBusy, waitFor, wake }: PlacedSendOptions,
    view: RunLists,
    onPlaced: (inputId: string) => void,
  ): Promise<Submission> {
    warn('whenBusy', whenBusy)
    const targets = whenBusy === 'interrupt' ? this.interruptible(view, placed.place.runId).map(targetOf) : []
    return this.submissions.send(placed, wake, (inputId) => {
      onPlaced(inputId)
      const ended = waitFor === 'ended' ? this.cancellations.waitForRunsToEnd(targets) : undefined
      // NOTE: without a wait the prompt is published right behind the cancels, in this order, on one connection
      for (const target of targets) this.cancel(target).catch((error: SessionError) => this.report(error))
      return ended
    })
  }

  cancelAll(view: RunLists, scope: RunScope): Promise<void>[] {
    return this.act(() => this.#cancellable(view, scope).map((target) => this.cancel(targetOf(target))))
  }

  /** The runs and inputs of a view that an input into this run, or into a new one, interrupts; no stalled runs. */
  interruptible(view: RunLists, runId?: string): Cancellable[] {
    const targets = this.#cancellable(view, 'view')
    const isElsewhere = (target: Cancellable): boolean => target.runId === undefined || target.runId !== runId
    return targets.filter((target) => isElsewhere(target) && !(target as RunInfo).stalled)
  }

  #cancellable(view: RunLists, scope: RunScope): Cancellable[] {
    const pending = scope === 'view' ? view.pending() : this.owned(scope, this.pending.all())
    return this.cancellations.targets(view.runs(scope), pending)
  }

  /** The items of this client, or of all clients. */
  owned<T extends { readonly clientId: string }>(scope: RunScope, items: readonly T[]): readonly T[] {
    return scope === 'mine' ? items.filter(({ clientId }) => clientId === (this.channel.clientId ?? '')) : items
  }

  wake(inputId: string): WakeInfo {
    const trigger = this.pending.find(inputId)
    if (trigger) return this.submissions.wake(trigger)
    throw badRequest('wake the agent', `nothing is pending for "${inputId}"`)
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const left = this.#connection.close()
    this.#scheduler.cancel()
    this.#packing.cancel()
    this.deadlines.stop()
    this.outbox.close(closedError('publish'))
    this.wakes.close()
    this.#watch.close()
    this.submissions.close(closedError('wait for the run'))
    this.waits.close()
    for (const view of this.views) view.close()
    await left
    this.emitter.clear()
  }

  /** Whether something that this client has sent is still on its way to the channel or to an agent. */
  get isUnderWay(): boolean {
    return this.waits.isSending || this.wakes.areUnderWay || this.#watch.hasOpenStops
  }

  /** Hears a live message of the channel. */
  readonly hear = (message: ChannelMessage): void => {
    try {
      if (this.catchUp.holdBack(message)) return
      const { name, serial } = message
      if (serial !== undefined && (name === MessageName.input || name === MessageName.cancel))
        this.deadlines.hear(serial)
      // NOTE: a version of a prompt moves no view that shows the prompt, also when both arrive between two frames
      if (isEdit(message)) this.#scheduler.now()
      if (this.catchUp.apply(message)) this.#scheduler.request()
    } catch (cause) {
      this.report(toSessionError('take in a channel message', ErrorCode.ChannelFailed, cause))
    }
  }

  takePage(fold: () => void): void {
    this.#scheduler.now()
    fold()
    const settled = this.tree.settle(false)
    const { pending } = this.#apply(settled)
    for (const view of this.views) view.takePage(settled)
    this.#compact(settled, pending)
  }

  act<T>(verb: () => T): T {
    this.#verbs++
    try {
      return verb()
    } finally {
      this.#verbs--
      if (this.#verbs === 0) this.#scheduler.now()
    }
  }

  touch(subject: Subject<M>): void {
    this.#touched.add(subject)
  }

  report(error: SessionError): void {
    this.#error = error
    this.#statusSignal.trigger()
    this.emitter.emit('error', error)
  }

  statusChanged(status: SessionStatus): void {
    if (status === 'ready') {
      warn('anonymousOwner', this, ownerOnly)
      this.#error = undefined
      this.#expire([...this.pending.subjects, ...this.#watch.runs])
    }
    this.waits.review()
    this.#statusSignal.trigger()
    this.emitter.emit('status', status)
  }

  /** Looks again at subjects, after time has passed or when it counts again. */
  #expire(subjects: readonly Subject<M>[]): void {
    this.act(() => {
      for (const subject of subjects) this.touch(subject)
      this.tree.endOverdue((run, since) => this.deadlines.isDue(since + tailLimit, run))
    })
  }

  refresh(isLoaded = false): void {
    if (this.#verbs > 0) return
    const settled = this.tree.settle()
    // NOTE: text that grows is shown by its message alone
    if (!settled.structure && settled.changed.length === 0 && this.#touched.size === 0 && !isLoaded) return
    const changes = { ...settled, ...this.#apply(settled), isLoaded }
    changes.structure ||= isLoaded
    changes.runs ||= isLoaded
    if (changes.structure || changes.runs) this.changed.trigger()
    for (const view of this.views) view.refresh(changes)
    this.#compact(settled, changes.pending)
    if (isLoaded) this.#packing.begin()
  }

  /** Packs the rows of nodes that may have settled. */
  #compact({ changed }: Settled<M>, pending: Iterable<Subject<M>>): void {
    // NOTE: a session on a server is rendered once, and must leave no timer behind
    if (this.hasNoClient) return
    this.#packing.add([...changed, ...pending].filter((node) => typeof node !== 'string'))
  }

  /** Applies the settled tree to the parts. Returns the changes of the parts, which are shown with the tree. */
  #apply({ changed }: Settled<M>): Pick<Changes<M>, 'runs' | 'touched' | 'pending'> {
    this.#verbs++
    try {
      for (const subject of changed) this.#applyOne(subject)
      // NOTE: watching a run can touch further runs, which this loop visits too
      for (const subject of this.#touched) if (subject instanceof RunNode) this.#watch.apply(subject)
      const subjects = [...this.#touched]
      this.#touched.clear()
      const touched = subjects.filter((subject) => subject instanceof RunNode)
      const hasNews = touched.filter((run) => run.takeNewInfo()).length > 0
      const pending = this.pending.review(subjects)
      this.waits.review()
      return { touched, pending, runs: hasNews || pending.size > 0 }
    } finally {
      this.#verbs--
    }
  }

  #applyOne(subject: Subject<M>): void {
    this.touch(subject)
    if (subject instanceof InputNode) this.submissions.applyPrompt(subject)
    if (!(subject instanceof RunNode)) return
    this.wakes.apply(subject)
    this.submissions.apply(subject)
    const endedAt = this.tree.ending.get(subject)
    if (endedAt !== undefined) this.deadlines.remind(endedAt + tailLimit, subject)
  }
}
