import type { Answer } from '../core/codec'
import { InputNode } from '../core/input-node'
import { Emitter, type Signal } from '../core/signals'
import type { RunInfo, WakeInfo } from '../core/run-info'
import type { Settled } from '../core/tree'
import type { ViewMessage } from '../core/view-message'
import { Branches, type Branch } from './branches'
import type { CancelTarget } from './cancellations'
import type { Changes } from './context'
import {
  placeForkedAnswers,
  newMessage,
  placeOfEdit,
  placeOfRegeneration,
  placeAnswers,
  type PlacedInput,
  type SendInput,
} from './placed-input'
import { OlderMessages } from './older-messages'
import { ActiveRun, steer, type SessionTree, type Steer } from './runs'
import type { Session } from './session'
import type { AnswerOptions, PendingInput, PlacedSendOptions, RunScope, SendOptions } from './submission'
import { runEvent, ViewLists, type RunEvent } from './view-lists'

interface ViewEvents {
  /** Lists or runs have changed. Text that grows is no update; the message itself shows it. */
  update: void
  run: RunEvent
}

/**
 * A branch of a session and how far back it is shown. Reads are reactive in Vue; lists stay the same until they differ.
 */
export class View<M extends object> {
  readonly #session: Session<M>
  readonly #tree: SessionTree<M>
  readonly #listChanged: Signal
  readonly #runsChanged: Signal
  readonly #emitter = new Emitter<ViewEvents>()
  readonly #older: OlderMessages<M>
  readonly #lists: ViewLists<M>
  /** Which versions it shows. @internal */
  readonly branches: Branches<M>

  /** @internal */
  constructor(session: Session<M>, tree: SessionTree<M>) {
    this.#session = session
    this.#tree = tree
    this.#listChanged = session.port.signal()
    this.#runsChanged = session.port.signal()
    this.branches = new Branches(session.tree)
    this.#lists = new ViewLists(session, this.branches)
    this.#older = new OlderMessages(session, this.#lists)
    session.views.add(this)
    session.port.opaque(this)
  }

  /** The messages on the view's branch, oldest first, as far back as it has been loaded. */
  getMessages(): readonly ViewMessage<M>[] {
    this.#listChanged.track()
    return this.#lists.window.messages
  }

  /** Runs that have started: those on the view's branch, those of this client, or all of the session. */
  runs(scope: RunScope = 'view'): readonly RunInfo[] {
    if (scope !== 'view') return this.#session.owned(scope, this.#tree.runs())
    this.#runsChanged.track()
    return this.#lists.runs
  }

  /** The inside of its session, for the functions of this library that take a view. @internal */
  get internals(): Session<M> {
    return this.#session
  }

  /** Inputs on the view's branch that no agent has accepted yet. */
  pending(): readonly PendingInput[] {
    this.#runsChanged.track()
    return this.#lists.pending
  }

  /** Whether any run is active or about to start. Inputs that no agent accepts do not count. */
  get isRunning(): boolean {
    this.#runsChanged.track()
    return this.#lists.isRunning
  }

  /** A run by its id, on any branch; undefined until it has started. */
  run(runId: string): RunInfo | undefined {
    return this.#tree.run(runId)
  }

  /** The reply of a run so far, on any branch. */
  messagesOf(runId: string): readonly ViewMessage<M>[] {
    return this.#tree.messagesOf(runId)
  }

  /** The run that wrote a message, or that answers it when it is a prompt. */
  runOf(messageId: string): RunInfo | undefined {
    return this.#tree.runOf(messageId, (run) => this.#lists.has(run))
  }

  /** A plain, cloneable copy: of one message, or of all that the view shows. For storage, workers and `postMessage`. */
  snapshot(): M[]
  snapshot(messageId: string): M | undefined
  snapshot(messageId?: string): M[] | M | undefined {
    if (messageId !== undefined) return this.#tree.snapshot(messageId)
    return this.getMessages().flatMap(({ id }) => this.#tree.snapshot(id) ?? [])
  }

  /** Whether there are older messages to load. */
  hasOlder(): boolean {
    this.#listChanged.track()
    this.#session.changed.track()
    return this.#lists.window.hasHidden || this.#session.catchUp.hasOlder
  }

  /** Whether a load of older messages is running. */
  get isLoadingOlder(): boolean {
    return this.#older.isLoading
  }

  /**
   * Shows up to `count` older messages and answers with them, oldest first. A call while another one runs, and a view
   * that is closed, answer with none. It can be a handler of clicks. @default 10
   * @throws SessionError 40003 when `count` is not a positive integer, 104011 when history cannot be read.
   */
  async loadOlder(count?: number | Event): Promise<readonly ViewMessage<M>[]> {
    return this.#session.views.has(this) ? this.#older.load(typeof count === 'number' ? count : 10) : []
  }

  /**
   * Shows older messages back to the newest one that matches, which itself stays hidden, and answers with them; all of
   * them when none matches. Waits for a load that is running.
   * @throws SessionError 104011 when history cannot be read; the reason of `signal` when that was aborted.
   */
  async loadUntil(predicate: (message: M) => boolean, signal?: AbortSignal): Promise<readonly ViewMessage<M>[]> {
    return this.#session.views.has(this) ? this.#older.loadUntil(predicate, signal) : []
  }

  /** Shows at least so many messages at once, of those that are loaded. @internal */
  show(count: number): void {
    this.#older.showLoaded(count)
  }

  /** Shows at least so many messages, if there are; waits for a load that is running. @internal */
  fill(count: number): Promise<void> {
    return this.#older.fill(count)
  }

  /**
   * Sends a prompt: text, a message or a codec's input of one. Never waits for a run that is active. Resolves when the
   * channel has accepted it.
   * @throws SessionError 104005 when it could not be published; the prompt stays, with state `failed`. As all verbs
   * that publish: 104004 when the session is closed, 104007 while there is none.
   */
  async send(given: SendInput<M>, options: SendOptions = {}): Promise<ActiveRun<M>> {
    const { id: messageId, parent = this.#lists.lastId } = options
    const place = { parent, messageId, eventId: messageId && `${messageId}-sent` }
    return this.#send({ inputs: newMessage(this.#session.tree.codec, given), place }, options)
  }

  /**
   * Sends another version of a prompt; the old one stays on its own branch, unless it has failed: then it goes. This
   * view shows the new one.
   * @throws SessionError 40003 when there is no such prompt, 104005 when it could not be published.
   */
  async edit(inputId: string, given: SendInput<M>, options: PlacedSendOptions = {}): Promise<ActiveRun<M>> {
    const { codec } = this.#session.tree
    const placed = { place: placeOfEdit(this.#session.tree, inputId), inputs: newMessage(codec, given) }
    return this.#session.act(() => {
      this.discard(inputId)
      return this.#send(placed, options)
    })
  }

  /**
   * Asks for another reply in place of this one; the old one stays on its own branch. This view shows the new one. In
   * place of a message inside a run, it takes that of the rest of the run too.
   * @throws SessionError 40003 when it is not a reply, 104005 when it could not be published.
   */
  async regenerate(messageId: string, options: PlacedSendOptions = {}): Promise<ActiveRun<M>> {
    const place = placeOfRegeneration(this.#session.tree, messageId)
    return this.#send({ inputs: [{ type: 'regenerate' }], place }, options)
  }

  /**
   * Answers tool calls of a reply: with an output, or an approval. The run goes on with it, or, with `as: 'fork'`, a
   * run that begins with a copy of the reply takes its place. The agent is woken when nothing of the reply is left to
   * be answered.
   * @throws SessionError 40003 when the message is of no run, its run has ended, or the call is unknown or has its
   * answer; 104005 when it could not be published.
   */
  async answer(
    messageId: string,
    answers: Answer<M> | readonly Answer<M>[],
    options: AnswerOptions = {},
  ): Promise<ActiveRun<M>> {
    const { as, ...sendOptions } = options
    const { tree } = this.#session
    const all = [answers].flat()
    const placed =
      as === 'fork'
        ? placeForkedAnswers(tree, messageId, all)
        : placeAnswers(tree, messageId, all, this.#session.submissions.answersTo(messageId), this.#lists.lastId)
    return this.#send(placed, sendOptions)
  }

  /** Sends a message into a run while it is active. A failure rejects the promises of the returned steer. */
  steer(runId: string, given: SendInput<M>): Steer {
    return steer(this.#session, runId, given)
  }

  /**
   * Cancels a run, or, by its message id, an input without a run. Resolves when the channel has the request.
   * @throws SessionError 40003 for an empty id, 104005 when it could not be published.
   */
  cancel(target: CancelTarget): Promise<void> {
    return this.#session.cancel(target)
  }

  /**
   * Wakes the agent for a pending input of any client; again if that was tried before. The input is answered once,
   * however often the agent is woken.
   * @throws SessionError 40003 when nothing is pending under this message id, or the session has no agent.
   */
  wake(inputId: string): WakeInfo {
    return this.#session.wake(inputId)
  }

  /** Cancels every run that is active, about to start, or suspended; it can be a handler of clicks. */
  async cancelAll(options: { scope?: RunScope } | Event = {}): Promise<void> {
    const { scope = 'view' } = options as { scope?: RunScope }
    await Promise.all(this.#session.cancelAll(this, scope))
  }

  /**
   * Publishes a failed prompt again, or wakes an agent for a prompt of any client.
   * A prompt that was cancelled stays so: its run ends as cancelled, and `edit()` with the same text asks anew.
   * @throws SessionError 40003 when nothing is pending under this message id, or the session has no agent.
   */
  async retry(inputId: string): Promise<void> {
    const submission = this.#session.submissions.find(inputId)
    if (submission) await this.#session.submissions.retry(submission)
    else this.wake(inputId)
  }

  /** Takes a failed prompt out of the conversation. */
  discard(inputId: string): void {
    this.#session.submissions.discard(inputId)
  }

  /** The alternatives of a message at the same place in the conversation. */
  branch(messageId: string): Branch<M> {
    this.#listChanged.track()
    this.#session.changed.track()
    return this.branches.of(messageId, (node) => {
      this.#lists.window.include(node)
      this.#lists.rebuild()
      this.#trigger({ messages: true, runs: true })
      this.#emitter.emit('update', undefined)
    })
  }

  /** Shows the alternative of a message at this index. */
  select(messageId: string, index: number): void {
    this.branch(messageId).select(index)
  }

  /** Calls the listener on changes; returns a function that removes it. */
  on<K extends keyof ViewEvents>(name: K, listener: (event: ViewEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Stops following the session; the lists stay as they are. */
  close(): void {
    this.#lists.update()
    this.#emitter.clear()
    this.#session.views.delete(this)
  }

  /** Shows changes of the session. @internal */
  refresh(changes: Changes<M>): void {
    const { structure, runs, transitions, moved } = changes
    for (const node of moved)
      if (node instanceof InputNode) this.branches.stay(node, (group) => this.#lists.shownIn(group))
    const isDifferent = structure || runs || this.#lists.isOutdated
    if (isDifferent) this.#trigger(this.#lists.apply(changes))
    const shown = transitions.filter(({ run }) => this.#lists.has(run))
    for (const each of shown) this.#emitter.emit('run', runEvent(each))
    if (isDifferent) this.#emitter.emit('update', undefined)
  }

  /** @internal */
  takePage(page: Settled<M>): void {
    this.#lists.window.freeze()
    this.#lists.takePage(page)
  }

  /** Sends an input. A version of something shows in this view, and moves no other view. */
  async #send(placed: PlacedInput<M>, options: PlacedSendOptions): Promise<ActiveRun<M>> {
    const { forkOf, regenerates, supersedes } = placed.place
    const submission = await this.#session.send(placed, options, this, (inputId) => {
      if (forkOf ?? regenerates ?? supersedes) this.branches.follow(inputId)
    })
    return new ActiveRun(this.#session, this.#tree, submission)
  }

  #trigger(changed: { messages: boolean; runs: boolean }): void {
    if (changed.messages) this.#listChanged.trigger()
    if (changed.runs) this.#runsChanged.trigger()
  }
}
