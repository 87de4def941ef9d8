import { walk, type Stretch } from '../core/branch'
import { Emitter } from '../core/emitter'
import { ErrorCode, SessionError } from '../core/errors'
import { RunNode } from '../core/run-node'
import type { RunInfo } from '../core/run-info'
import type { TreeNode } from '../core/node'
import type { ViewMessage } from '../core/view-message'
import type { Signal } from '../core/port'
import type { RunEndReason, RunError } from '../core/run-state'
import type { RunTransition } from '../core/run-watch'
import type { Settled } from '../core/tree'
import type { ActiveRun } from './active-run'
import { Branches, type Branch } from './branches'
import type { Given, PlacedSendOptions, Placement, SendOptions } from './prompts'
import type { PendingPrompt, RunScope } from './pending'
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

/** How long a send with `waitFor: 'ended'` waits for the runs it interrupts, in milliseconds. */
const endLimit = 2000

/**
 * One way of looking at a session: the branch it shows and how far back it reaches. Reads are reactive in Vue; lists keep
 * their identity until they really differ.
 */
export class View<M extends object> {
  #stretches: readonly Stretch<M>[] = []
  #nodes: ReadonlySet<TreeNode<M>> = new Set()
  #walked: { nodes: readonly TreeNode<M>[]; picks: number; path: readonly Stretch<M>[] } | undefined
  #messages: readonly ViewMessage<M>[] = []
  #runs: readonly RunInfo[] = []
  #pending: readonly PendingPrompt[] = []
  readonly #listChanged: Signal
  readonly #runsChanged: Signal
  readonly #loadChanged: Signal
  readonly #emitter = new Emitter<ViewEvents>()
  readonly #window: ViewWindow<M>
  readonly #branches: Branches<M>
  #loading: Promise<void> | undefined

  /** @internal */
  constructor(private readonly host: ViewHost<M>) {
    this.#listChanged = host.port.signal()
    this.#runsChanged = host.port.signal()
    this.#loadChanged = host.port.signal()
    this.#window = new ViewWindow(host.tree)
    this.#branches = new Branches(host.tree)
    host.port.opaque(this)
    this.#rebuild()
  }

  /** The messages on the view's branch, oldest first, as far back as it has been loaded. */
  getMessages(): readonly ViewMessage<M>[] {
    this.#listChanged.track()
    return this.#messages
  }

  /** The runs on the view's branch that have started. */
  runs(): readonly RunInfo[] {
    this.#runsChanged.track()
    return this.#runs
  }

  /** Prompts on the view's branch whose run has not started. */
  pending(): readonly PendingPrompt[] {
    this.#runsChanged.track()
    return this.#pending
  }

  /** Whether any run is active or about to start. A prompt whose agent finally cannot be woken does not count. */
  get isRunning(): boolean {
    if (this.runs().some((run) => run.status === 'active')) return true
    return this.pending().some((prompt) => prompt.wake?.state !== 'failed')
  }

  /** A run by its id, on whatever branch. */
  run(runId: string): RunInfo | undefined {
    this.host.changed.track()
    const node = this.host.tree.runs.get(runId)
    return node?.visible ? this.host.tree.info(node) : undefined
  }

  /** The run that wrote a message, or that answers it when it is a prompt. */
  runOf(messageId: string): RunInfo | undefined {
    this.host.changed.track()
    const { tree } = this.host
    const node = tree.nodeOf(messageId)
    if (node instanceof RunNode) return node.isAwaited ? undefined : tree.info(node)
    const replies = [...tree.runsOf(messageId), ...tree.children(messageId)]
    const answers = replies.filter((reply) => reply instanceof RunNode && !reply.isAwaited && reply.visible)
    const answer = (answers.find((run) => this.#nodes.has(run)) ?? answers.at(-1)) as RunNode<M> | undefined
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

  get isLoadingOlder(): boolean {
    this.#loadChanged.track()
    return this.#loading !== undefined
  }

  /**
   * Shows up to `count` older messages and answers with them, oldest first. A call while another one runs answers with
   * none.
   * @throws SessionError 40003 when `count` is not a positive integer, 104011 when history cannot be read.
   */
  async loadOlder(count = 10): Promise<readonly ViewMessage<M>[]> {
    if (!Number.isInteger(count) || count < 1) {
      throw new SessionError(
        `unable to load older messages; count must be a positive integer, not ${count}`,
        ErrorCode.BadRequest,
      )
    }
    if (this.#loading) return []
    return this.#load(async () => {
      await this.#readBack(count)
      this.#window.reveal(this.#path(), count)
    })
  }

  /**
   * Shows older messages back to the newest one that matches, which itself stays hidden, and answers with them; all of
   * them when none matches. Waits for a load that is running.
   * @throws SessionError 104011 when history cannot be read; whatever `signal` was aborted with.
   */
  async loadUntil(predicate: (message: M) => boolean, signal?: AbortSignal): Promise<readonly ViewMessage<M>[]> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    return this.#load(async () => {
      for (;;) {
        signal?.throwIfAborted()
        const path = this.#path()
        const newer = this.#window.hiddenNewerThan(path, predicate)
        const isDone = newer !== undefined || !(await this.host.history.loadPage())
        if (!isDone) continue
        this.#window.reveal(this.#path(), newer ?? Infinity)
        return
      }
    })
  }

  /**
   * Sends a prompt: text, a message or codec inputs. Never waits for a run that is active. Resolves when the channel has
   * accepted it.
   * @throws SessionError 104005 when it could not be published; the prompt stays, with state `failed`.
   */
  send(given: Given<M>, options: SendOptions = {}): Promise<ActiveRun<M>> {
    return this.#dispatch(given, { ...options, parent: options.parent ?? this.#lastMessageId() })
  }

  /**
   * Sends another version of a prompt; the old one stays on its own branch. This view shows the new one.
   * @throws SessionError 40003 when there is no such prompt.
   */
  async edit(messageId: string, given: Given<M>, options: PlacedSendOptions = {}): Promise<ActiveRun<M>> {
    const node = this.host.tree.inputs.get(messageId)
    if (!node) throw new SessionError(`unable to edit; there is no prompt "${messageId}"`, ErrorCode.BadRequest)
    return this.#dispatch(given, {
      ...options,
      parent: node.parent,
      forkOf: messageId,
      onPlaced: (inputId) => {
        this.host.edited(messageId, this)
        this.#choose(inputId)
      },
    })
  }

  /**
   * Asks for another reply in place of this one; the old one stays on its own branch. This view shows the new one.
   * @throws SessionError 40003 when it is not a reply.
   */
  async regenerate(messageId: string, options: PlacedSendOptions = {}): Promise<ActiveRun<M>> {
    const node = this.host.tree.nodeOf(messageId)
    if (!(node instanceof RunNode) || node.parent === undefined) {
      throw new SessionError(`unable to regenerate; "${messageId}" is not a reply to anything`, ErrorCode.BadRequest)
    }
    const first = node.messageIds().next().value
    const target = messageId === first ? (node.regenerates ?? messageId) : messageId
    return this.#dispatch([{ type: 'regenerate' }], {
      ...options,
      parent: node.parent,
      regenerates: target,
      onPlaced: (inputId) => this.#choose(inputId),
    })
  }

  /** Cancels a run, or, by its prompt, one that has not started. */
  cancel(target: string | { inputId: string }): Promise<void> {
    return this.host.prompts.cancel(target)
  }

  /** Cancels every run that is active or about to start. */
  async cancelAll({ scope = 'view' }: { scope?: RunScope } = {}): Promise<void> {
    await Promise.all(this.host.running(scope, this).map((target) => this.cancel(target)))
  }

  /** Publishes a failed prompt again, or wakes its agent again. */
  async retry(messageId: string): Promise<void> {
    await this.host.prompts.handle(messageId)?.retry()
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

  /** Hears of changes; returns how to stop. */
  on<K extends keyof ViewEvents>(name: K, listener: (event: ViewEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Stops following the session; what it shows stays as it is. */
  close(): void {
    this.#emitter.clear()
    this.host.forget(this)
  }

  /** Follows what the tree has settled. @internal */
  refresh(settled: Settled<M>): void {
    if (settled.structure) this.#rebuild()
    else if (settled.runs) this.#rebuildRuns()
    for (const transition of settled.transitions) this.#tell(transition)
    if (settled.structure || settled.runs) this.#emitter.emit('update', undefined)
  }

  /** Keeps what a page of older messages brought out of sight until it is asked for. @internal */
  hold(): void {
    this.#window.hold()
  }

  /** The nodes on the view's branch; worked out again when the tree's structure or the choices have changed. */
  #path(): readonly Stretch<M>[] {
    const nodes = this.host.tree.nodes()
    const { picks } = this.#branches
    if (this.#walked?.nodes !== nodes || this.#walked.picks !== picks) {
      this.#walked = { nodes, picks, path: walk(this.host.tree, this.#branches) }
    }
    return this.#walked.path
  }

  /** Keeps what it shows in place of a prompt, before somebody else's version of it comes. @internal */
  stay(inputId: string): void {
    this.#branches.stay(inputId, (node) => this.#nodes.has(node))
  }

  /** Shows a new version of a prompt, or the reply to a request as soon as there is one. */
  #choose(inputId: string): void {
    this.#branches.follow(inputId)
    this.#moved()
  }

  #moved(): void {
    this.#rebuild()
    this.#emitter.emit('update', undefined)
  }

  #rebuild(): void {
    this.#stretches = this.#path()
    this.#nodes = new Set(this.#stretches.map(({ node }) => node))
    const messages = this.#window.messages(this.#stretches)
    if (!sameItems(messages, this.#messages)) {
      this.#messages = messages
      this.#listChanged.trigger()
    }
    this.#rebuildRuns()
  }

  #rebuildRuns(): void {
    const { tree } = this.host
    const runs: RunInfo[] = []
    const pending: PendingPrompt[] = []
    for (const node of this.#nodes) {
      if (node instanceof RunNode && !node.isAwaited) runs.push(tree.info(node))
      else if (this.host.isPending(node)) pending.push(this.#pendingPrompt(node))
    }
    if (sameItems(runs, this.#runs) && sameItems(pending, this.#pending)) return
    this.#runs = runs
    this.#pending = pending
    this.#runsChanged.trigger()
  }

  #pendingPrompt(input: TreeNode<M>): PendingPrompt {
    const prompt = this.host.pendingPrompt(input)
    const known = this.#pending.find(({ inputId }) => inputId === prompt.inputId)
    const isSame = known?.wake === prompt.wake && known?.cancelling?.at === prompt.cancelling?.at
    return known && isSame ? known : prompt
  }

  /** Reads pages of history until so many messages are hidden, or there are no more pages. */
  async #readBack(count: number): Promise<void> {
    const { tree, history } = this.host
    const missing = (): number => count - this.#window.hiddenCount(this.#path())
    for (let wanted = missing(); wanted > 0; wanted = missing()) {
      // NOTE: the path is walked again when enough may have come; walked for each page, it would cost more with each
      const enough = tree.messageCount + wanted
      while (tree.messageCount < enough) if (!(await history.loadPage())) return
    }
  }

  async #load(read: () => Promise<void>): Promise<readonly ViewMessage<M>[]> {
    const [first] = this.#messages
    this.#loading = read()
    this.#loadChanged.trigger()
    try {
      await this.#loading
    } finally {
      this.host.loaded()
      this.#loading = undefined
      this.#loadChanged.trigger()
    }
    return first ? this.#messages.slice(0, Math.max(0, this.#messages.indexOf(first))) : this.#messages
  }

  async #dispatch(given: Given<M>, placement: Placement): Promise<ActiveRun<M>> {
    const { whenBusy, waitFor } = placement
    const interrupted = whenBusy === 'interrupt' ? this.#interrupt(waitFor) : undefined
    // NOTE: without a wait the prompt is published right behind the cancels, in this order, on one connection
    if (waitFor === 'ended') await interrupted
    const [run] = await Promise.all([this.host.prompts.send(given, placement), interrupted])
    return run
  }

  async #interrupt(waitFor: SendOptions['waitFor'] = 'published'): Promise<void> {
    const targets = this.host.running('view', this)
    const ended = waitFor === 'ended' ? this.host.ended(targets, endLimit) : undefined
    await Promise.all([...targets.map((target) => this.cancel(target)), ended])
  }

  /** What a new prompt follows: the last message shown that the channel has or is about to have. */
  #lastMessageId(): string | undefined {
    return this.#messages.findLast((message) => message.state !== 'failed')?.id
  }

  #tell({ run, from, to }: RunTransition<M>): void {
    if (!this.#nodes.has(run)) return
    const type = to === 'active' ? (from === undefined ? 'start' : 'resume') : to === 'suspended' ? 'suspend' : 'end'
    const info = this.host.tree.info(run)
    const ended = type === 'end' && { reason: to as RunEndReason, ...(info.error && { error: info.error }) }
    this.#emitter.emit('run', { type, runId: run.key, run: info, ...ended })
  }
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index])
