import type { Answer } from '../core/codec'
import { Emitter } from '../core/emitter'
import { RunNode } from '../core/run-node'
import type { RunInfo } from '../core/run-info'
import type { ViewMessage } from '../core/view-message'
import type { Signal } from '../core/port'
import type { RunEndReason, RunError } from '../core/run-state'
import type { RunTransition } from '../core/run-status-tracker'
import type { Settled } from '../core/tree'
import type { ActiveRun } from './active-run'
import { Branches, type Branch } from './branches'
import { dispatch } from './dispatch'
import { OlderMessages } from './older-messages'
import type { Outgoing } from './outgoing'
import {
  continuation,
  fork,
  newMessage,
  placeOfEdit,
  placeOfRegeneration,
  type SendInput,
  type Placed,
} from './placement'
import type { AnswerOptions, PlacedSendOptions, SendOptions } from './prompts'
import { isUnderWay, type PendingPrompt, type RunScope } from './pending'
import { startedRuns, stoppable } from './running'
import type { Steer } from './steers'
import type { CancelTarget } from './stops'
import type { WakeInfo } from './wake'
import { ViewLists } from './view-lists'
import { ViewWindow } from './view-window'
import type { ViewHost } from './view-host'

/** What happened to a run on this view's branch. */
export interface RunEvent {
  readonly type: 'start' | 'suspend' | 'resume' | 'end'
  readonly runId: string
  readonly run: RunInfo
  /** How it ended; only on `end`. */
  readonly reason?: RunEndReason
  readonly error?: RunError
}

interface ViewEvents {
  /** Lists or runs became different. Growing text alone does not count as one; it is seen in the message itself. */
  update: void
  run: RunEvent
}

/**
 * One way of looking at a session: the branch it shows and how far back it reaches. Reads are reactive in Vue; lists keep
 * their identity until they really differ.
 */
export class View<M extends object> {
  readonly #listChanged: Signal
  readonly #runsChanged: Signal
  readonly #emitter = new Emitter<ViewEvents>()
  readonly #window: ViewWindow<M>
  readonly #older: OlderMessages<M>
  readonly #branches: Branches<M>
  readonly #lists: ViewLists<M>
  #isClosed = false

  /** @internal */
  constructor(private readonly host: ViewHost<M>) {
    this.#listChanged = host.port.signal()
    this.#runsChanged = host.port.signal()
    this.#window = new ViewWindow(host.tree)
    this.#branches = new Branches(host.tree)
    this.#lists = new ViewLists(host, this.#window, this.#branches)
    this.#older = new OlderMessages(host, this.#window, this.#lists)
    host.port.opaque(this)
  }

  /** The messages on the view's branch, oldest first, as far back as it has been loaded. */
  getMessages(): readonly ViewMessage<M>[] {
    this.#listChanged.track()
    return this.#lists.messages
  }

  /** Runs that have started: those on the view's branch, those of this client, or all of the session. */
  runs(scope: RunScope = 'view'): readonly RunInfo[] {
    if (scope !== 'view') return startedRuns(this.host, scope)
    this.#runsChanged.track()
    return this.#lists.runs
  }

  /** What has been asked on the view's branch, and no agent has taken up yet. */
  pending(): readonly PendingPrompt[] {
    this.#runsChanged.track()
    return this.#lists.pending
  }

  /** Whether any run is active or about to start. What no agent takes up does not count. */
  get isRunning(): boolean {
    if (this.runs().some((run) => run.status === 'active')) return true
    return this.pending().some(isUnderWay)
  }

  /** A run by its id, on whatever branch; undefined until it has started. */
  run(runId: string): RunInfo | undefined {
    return this.host.all.run(runId)
  }

  /** The reply of a run so far, on whatever branch. */
  messagesOf(runId: string): readonly ViewMessage<M>[] {
    return this.host.all.messagesOf(runId)
  }

  /** The run that wrote a message, or that answers it when it is a prompt. */
  runOf(messageId: string): RunInfo | undefined {
    this.host.changed.track()
    const { tree } = this.host
    const node = tree.nodeOf(messageId)
    if (node instanceof RunNode) return node.isPlaceholder ? undefined : tree.info(node)
    const replies = [...tree.runsOf(messageId), ...tree.children(messageId)]
    const answers = replies.filter((reply) => reply instanceof RunNode && !reply.isPlaceholder && reply.visible)
    const answer = (answers.find((run) => this.#lists.has(run)) ?? answers.at(-1)) as RunNode<M> | undefined
    return answer && tree.info(answer)
  }

  /** A plain, cloneable copy: of one message, or of all that the view shows. For storage, workers and `postMessage`. */
  snapshot(): M[]
  snapshot(messageId: string): M | undefined
  snapshot(messageId?: string): M[] | M | undefined {
    const copy = (id: string): M | undefined => {
      const message = this.host.tree.nodeOf(id)?.message(id)
      return message && structuredClone(message)
    }
    if (messageId !== undefined) return copy(messageId)
    return this.getMessages().flatMap(({ id }) => copy(id) ?? [])
  }

  /** Whether there are older messages to load. */
  hasOlder(): boolean {
    this.#listChanged.track()
    this.host.changed.track()
    return this.#window.hasHidden || this.host.history.hasOlder
  }

  /** Whether a load of older messages is running. */
  get isLoadingOlder(): boolean {
    return this.#older.isLoading
  }

  /**
   * Shows up to `count` older messages and answers with them, oldest first. A call while another one runs, and a view that
   * is closed, answer with none.
   * @throws SessionError 40003 when `count` is not a positive integer, 104011 when history cannot be read.
   */
  async loadOlder(count = 10): Promise<readonly ViewMessage<M>[]> {
    return this.#isClosed ? [] : this.#older.load(count)
  }

  /**
   * Shows older messages back to the newest one that matches, which itself stays hidden, and answers with them; all of
   * them when none matches. Waits for a load that is running.
   * @throws SessionError 104011 when history cannot be read; whatever `signal` was aborted with.
   */
  async loadUntil(predicate: (message: M) => boolean, signal?: AbortSignal): Promise<readonly ViewMessage<M>[]> {
    return this.#isClosed ? [] : this.#older.loadUntil(predicate, signal)
  }

  /** Shows at least so many messages, if there are; waits for a load that is running. @internal */
  fill(count: number): Promise<void> {
    return this.#older.fill(count)
  }

  /**
   * Sends a prompt: text, a message or a codec's input of one. Never waits for a run that is active. Resolves when the
   * channel has accepted it.
   * @throws SessionError 104005 when it could not be published; the prompt stays, with state `failed`.
   */
  async send(given: SendInput<M>, options: SendOptions = {}): Promise<ActiveRun<M>> {
    const place = { parent: options.parent ?? this.#lastMessageId() }
    return this.#dispatch({ inputs: newMessage(this.host.tree.codec, given), place }, options)
  }

  /**
   * Sends another version of a prompt; the old one stays on its own branch, unless it has failed: then it goes. This view
   * shows the new one.
   * @throws SessionError 40003 when there is no such prompt.
   */
  async edit(messageId: string, given: SendInput<M>, options: PlacedSendOptions = {}): Promise<ActiveRun<M>> {
    const { tree } = this.host
    const placed = { place: placeOfEdit(tree, messageId), inputs: newMessage(tree.codec, given) }
    this.discard(messageId)
    return this.#dispatch(placed, options)
  }

  /**
   * Asks for another reply in place of this one; the old one stays on its own branch. This view shows the new one. In place
   * of a message inside a run, it takes that of the rest of the run too.
   * @throws SessionError 40003 when it is not a reply.
   */
  async regenerate(messageId: string, options: PlacedSendOptions = {}): Promise<ActiveRun<M>> {
    const place = placeOfRegeneration(this.host.tree, messageId)
    return this.#dispatch({ inputs: [{ type: 'regenerate' }], place }, options)
  }

  /**
   * Answers what a reply waits for: a tool's output, an approval. The run goes on with it, or, with `as: 'fork'`, a run that
   * begins with a copy of the reply takes its place. The agent is woken when nothing of the reply is left to be answered.
   * @throws SessionError 40003 when the message is of no run, its run has ended, or the call has its answer.
   */
  async answer(
    messageId: string,
    answers: Answer | readonly Answer[],
    { as = 'continuation', ...options }: AnswerOptions = {},
  ): Promise<ActiveRun<M>> {
    const { tree } = this.host
    const all = [answers].flat()
    const placed =
      as === 'fork'
        ? fork(tree, messageId, all)
        : continuation(tree, messageId, all, this.host.prompts.answersTo(messageId), this.#lastMessageId())
    return this.#dispatch(placed, options)
  }

  /** Says something into a run while it goes on. */
  steer(runId: string, given: SendInput<M>): Steer {
    return this.host.steers.steer(runId, given)
  }

  /**
   * Cancels a run, or, by its message id, what has not started. Resolves when the channel has the request.
   * @throws SessionError 40003 for an empty id, 104005 when it could not be published.
   */
  cancel(target: CancelTarget): Promise<void> {
    return this.host.session.cancel(target)
  }

  /** Wakes the agent for something that is pending, whoever sent it. */
  wake(inputId: string): WakeInfo {
    return this.host.session.wake(inputId)
  }

  /** Cancels every run that is active, about to start, or waits for somebody. */
  async cancelAll({ scope = 'view' }: { scope?: RunScope } = {}): Promise<void> {
    await Promise.all(stoppable(this.host, scope, this).map((target) => this.cancel(target)))
  }

  /**
   * Publishes a failed prompt again, or wakes an agent for it, whoever sent it.
   * @throws SessionError 40003 when nothing is pending under this message id, or the session has no agent.
   */
  async retry(messageId: string): Promise<void> {
    const sent = this.host.prompts.find(messageId)
    if (sent) await this.host.prompts.retry(sent)
    else this.wake(messageId)
  }

  /** Takes a failed prompt out of the conversation. */
  discard(messageId: string): void {
    this.host.prompts.discard(messageId)
  }

  /** The alternatives of a message on the same place in the conversation. */
  branch(messageId: string): Branch<M> {
    this.#listChanged.track()
    this.host.changed.track()
    return this.#branches.of(messageId, (node) => {
      this.#window.include(node)
      this.#moved()
    })
  }

  /** Shows the alternative of a message that stands at this index. */
  select(messageId: string, index: number): void {
    this.branch(messageId).select(index)
  }

  /** Hears of changes; returns how to stop. */
  on<K extends keyof ViewEvents>(name: K, listener: (event: ViewEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Stops following the session; what it shows stays as it is. */
  close(): void {
    this.#isClosed = true
    this.#emitter.clear()
    this.host.forget(this)
  }

  /** Follows what the tree has settled. @internal */
  refresh(settled: Settled<M>): void {
    for (const fork of settled.forks ?? []) this.#branches.stay(fork, (node) => this.#lists.has(node))
    if (settled.structure || settled.runs) this.#change(() => this.#lists.follow(settled))
    for (const transition of settled.transitions) this.#tell(transition)
    if (settled.structure || settled.runs) this.#emitter.emit('update', undefined)
  }

  /** Keeps what a page of older messages brought out of sight until it is asked for. @internal */
  hold(): void {
    this.#window.hold()
  }

  /** Shows a new version of a prompt, or the reply to a request as soon as there is one. */
  #choose(inputId: string): void {
    this.#branches.follow(inputId)
    this.#moved()
  }

  /** Another reply that is on its way takes no prompt out of sight that goes on from the one that shows. */
  #keep(parent = ''): void {
    const node = this.host.tree.nodeOf(parent)
    const isRival = ({ place }: Outgoing): boolean => place.regenerates !== undefined && place.parent === node?.parent
    if (node instanceof RunNode && this.host.prompts.unheard().some(isRival)) this.#branches.pick(node.key)
  }

  #moved(): void {
    this.#change(() => this.#lists.rebuild())
    this.#emitter.emit('update', undefined)
  }

  #change(change: () => void): void {
    const { messages, runs, pending } = this.#lists
    change()
    if (messages !== this.#lists.messages) this.#listChanged.trigger()
    if (runs !== this.#lists.runs || pending !== this.#lists.pending) this.#runsChanged.trigger()
  }

  /** What takes the place of something is shown by this view, and does not move others. */
  #dispatch(placed: Placed<M>, options: PlacedSendOptions): Promise<ActiveRun<M>> {
    const { forkOf, regenerates, supersedes } = placed.place
    return dispatch(this.host, this, placed, options, (inputId) => {
      if (forkOf ?? regenerates ?? supersedes) this.#choose(inputId)
      else this.#keep(placed.place.parent)
    })
  }

  /** What a new prompt follows: the last message shown that the channel has or is about to have. */
  #lastMessageId(): string | undefined {
    return this.#lists.messages.findLast((message) => message.state !== 'failed')?.id
  }

  #tell({ run, from, to }: RunTransition<M>): void {
    if (!this.#lists.has(run)) return
    const type = to === 'active' ? (from === undefined ? 'start' : 'resume') : to === 'suspended' ? 'suspend' : 'end'
    const info = this.host.tree.info(run)
    const ended = type === 'end' && { reason: to as RunEndReason, ...(info.error && { error: info.error }) }
    this.#emitter.emit('run', { type, runId: run.key, run: info, ...ended })
  }
}
