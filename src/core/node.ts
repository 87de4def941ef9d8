import type { Codec } from './codec'
import { isOpen, type Row, type RowHome } from './log'
import type { ReactivePort } from './port'
import { Projection } from './projection'
import { runState, type RunError, type RunState, type RunStatus, type RunStep } from './run-state'
import { insertBySerial } from './sorted'
import { Header } from './wire'

/** `pending`, `failed`, `sent` on prompts; the others on replies. */
export type MessageState = 'pending' | 'failed' | 'sent' | 'streaming' | 'complete' | 'cancelled' | 'error'

/** One message as a view shows it. The object stays the same while its text grows. */
export interface ViewMessage<M> {
  /** The message's key in the session; unlike `message.id` it is unique. */
  readonly id: string
  readonly message: M
  /** The run that wrote it; undefined on prompts. */
  readonly runId?: string
  readonly state: MessageState
  /** Why a prompt with state `failed` could not be sent, or a reply with state `error` ended. */
  readonly error?: { readonly code: number; readonly message: string }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A request to stop, as it stands on the channel. */
export interface Cancelling {
  /** Ably client id of whoever asked; undefined for anonymous clients. */
  readonly by: string | undefined
  /** When, in milliseconds since the epoch by Ably's clock. */
  readonly at: number
}

/** A snapshot of one run. */
export interface RunInfo {
  readonly runId: string
  /** The run's owner: the client whose prompt it answers; empty when unknown. */
  readonly clientId: string
  readonly status: RunStatus
  /** Present when `status` is `error`. */
  readonly error?: RunError
  /** The waking of the agent that started it. */
  readonly invocationId: string
  readonly steps: readonly RunStep[]
  /** The message id of the prompt it answers, if known. */
  readonly inputId?: string
  /** Set from the moment somebody asked to stop it until it ends. */
  readonly cancelling?: Cancelling
  /** Who stopped it, when `status` is `cancelled` and somebody asked. */
  readonly cancelledBy?: Cancelling
  /** Milliseconds since the epoch, by Ably's clock; undefined until its start is known. */
  readonly startedAt?: number
  readonly endedAt?: number
}

/** A prompt (input) or a reply (run) in the tree. */
export abstract class TreeNode<M extends object> implements RowHome {
  /** Content rows in serial order. */
  protected rows: Row[] = []
  protected readonly projection: Projection<M>
  #shown: Map<string, ViewMessage<M>> | undefined
  /** How many of the rows the projection holds, unless it is stale. */
  #foldedCount = 0
  /** Whether the projection has to be made anew. */
  protected stale = false
  /** Whether rows came that nobody expected any more; others are likely to follow, so folding stays at hand. */
  #hasLateRows = false
  /** Message id this node follows; undefined at the root. */
  parent: string | undefined
  /** Position among all nodes; optimistic prompts come last. */
  sort = ''
  #place: Place = nowhere

  constructor(
    readonly key: string,
    codec: Codec<M>,
    private readonly port: ReactivePort,
  ) {
    this.projection = new Projection(codec, port)
  }

  /** Takes a content row; `settle` folds it, behind the others if that is its place. */
  add(row: Row): void {
    row.home = this
    const last = this.rows.at(-1)
    const isLast = !last || row.serial >= last.serial
    if (isLast && this.projection.isResting) this.#hasLateRows = true
    if (!isLast || this.projection.isResting) this.stale = true
    insertBySerial(this.rows, row)
  }

  grow(row: Row): void {
    if (!this.stale) this.projection.grow(row)
  }

  markStale(): void {
    this.stale = true
  }

  /** Brings projection and derived facts in step with the rows; true when lists that show this node have to change. */
  settle(): boolean {
    this.#fold()
    this.derive()
    this.#showState()
    if (this.isComplete && !this.#hasLateRows) this.rest()
    return this.#hasMoved()
  }

  #fold(): void {
    if (this.stale) this.projection.rebuild(this.content())
    else for (const row of this.rows.slice(this.#foldedCount)) if (this.shows(row)) this.projection.add(row)
    this.stale = false
    this.#foldedCount = this.rows.length
  }

  #hasMoved(): boolean {
    const { visible, size, sort, parent } = this
    const last = this.#place
    if (last.visible === visible && last.size === size && last.sort === sort && last.parent === parent) return false
    this.#place = { visible, size, sort, parent }
    return true
  }

  /** Lets go of what is needed only while rows keep coming; one that comes all the same is read with all others. */
  protected rest(): void {
    this.projection.rest()
    this.rows = this.rows.slice()
  }

  #showState(): void {
    if (!this.#shown) return
    const state = this.messageState()
    for (const [id, shown] of this.#shown) {
      if (!this.projection.message(id)) this.#shown.delete(id)
      else update(shown, state, this.error())
    }
  }

  /** How many messages it has. */
  get size(): number {
    return this.projection.size
  }

  messageIds(): IterableIterator<string> {
    return this.projection.ids()
  }

  /** The plain message, unobserved. */
  message(id: string): M | undefined {
    return this.projection.message(id)
  }

  viewMessage(id: string): ViewMessage<M> {
    const known = this.#shown?.get(id)
    if (known) return known
    const { runId } = this
    const error = this.error()
    const shown = this.port.observe<ViewMessage<M>>({
      id,
      message: this.projection.shown(id),
      state: this.messageState(),
      ...(runId !== undefined && { runId }),
      ...(error && { error }),
    })
    this.#shown ??= new Map()
    this.#shown.set(id, shown)
    return shown
  }

  /** The lowest serial that mentions a message id; above all others when none does. */
  serialOf(messageId: string): string {
    return this.rows.find((row) => row.transport[Header.messageId] === messageId)?.serial ?? '\uffff'
  }

  /** Rows to project, in order. */
  protected content(): readonly Row[] {
    return this.rows.filter((row) => this.shows(row))
  }

  protected shows(row: Row): boolean {
    return !row.deleted
  }

  readonly runId?: string
  abstract get visible(): boolean
  /** Whether no more content is to be expected. */
  protected abstract get isComplete(): boolean
  protected abstract derive(): void
  protected abstract messageState(): MessageState
  protected abstract error(): ViewMessage<M>['error']
}

/** What lists depend on. */
interface Place {
  visible: boolean
  size: number
  sort: string
  parent: string | undefined
}

const nowhere: Place = { visible: false, size: 0, sort: '', parent: undefined }

function update<M>(shown: Writable<ViewMessage<M>>, state: MessageState, error: ViewMessage<M>['error']): void {
  if (shown.state !== state) shown.state = state
  if (shown.error !== error) shown.error = error
}

/** A prompt. Its key is its message id. */
export class InputNode<M extends object> extends TreeNode<M> {
  /** Rows of an own prompt whose echo has not arrived. */
  #local: readonly Row[] = []
  #failure: { code: number; message: string } | undefined
  forkOf: string | undefined
  clientId = ''

  /** Shows a prompt before the channel has it, or takes that back. */
  setLocal(rows: readonly Row[]): void {
    this.#local = rows
    for (const row of rows) row.home = this
    this.#failure = undefined
    this.stale = true
  }

  fail(error: { code: number; message: string } | undefined): void {
    this.#failure = error
  }

  override add(row: Row): void {
    if (this.rows.length === 0 && this.#local.length > 0) this.stale = true
    super.add(row)
  }

  /** Whether the channel holds it. */
  get isSent(): boolean {
    return this.rows.length > 0
  }

  get isFailed(): boolean {
    return !this.isSent && this.#failure !== undefined
  }

  get visible(): boolean {
    return this.projection.size > 0
  }

  protected get isComplete(): boolean {
    return this.isSent
  }

  protected override content(): readonly Row[] {
    return this.isSent ? super.content() : this.#local
  }

  protected derive(): void {
    const first = this.rows[0] ?? this.#local[0]
    if (!first) return
    this.sort = first.serial
    this.parent = first.transport[Header.parent]
    this.forkOf = first.transport[Header.forkOf]
    this.clientId = first.clientId ?? first.transport[Header.owner] ?? ''
  }

  protected messageState(): MessageState {
    return this.isSent ? 'sent' : this.#failure ? 'failed' : 'pending'
  }

  protected error(): ViewMessage<M>['error'] {
    return this.isFailed ? this.#failure : undefined
  }
}

/** A reply. Its key is its run id. */
export class RunNode<M extends object> extends TreeNode<M> {
  override readonly runId = this.key
  /** Lifecycle and step rows in serial order. */
  #lifecycle: Row[] = []
  readonly #cancels: Row[] = []
  /** Serial of the newest attempt known per step. */
  readonly #attempts = new Map<string, string>()
  #state: RunState = { status: 'active', steps: [] }
  #facts: RunFacts | undefined
  #info: RunInfo | undefined
  #isEnding = false
  #isOverdue = false
  /** Message id of the prompt that woke the agent. */
  inputId: string | undefined
  regenerates: string | undefined

  addLifecycle(row: Row): void {
    row.home = this
    insertBySerial(this.#lifecycle, row)
  }

  /** The newest attempt of a step is the one that shows; what others wrote vanishes. */
  addAttempt(stepId: string, serial: string): void {
    if (serial <= (this.#attempts.get(stepId) ?? '')) return
    this.#attempts.set(stepId, serial)
    if (this.rows.some((row) => row.transport[Header.stepId] === stepId && row.transport[Header.attempt] !== serial)) {
      this.stale = true
    }
  }

  addCancel(row: Row): void {
    insertBySerial(this.#cancels, row)
    this.#info = undefined
  }

  /** Requests to stop that name this run, by serial. */
  get cancels(): readonly Row[] {
    return this.#cancels
  }

  get state(): RunState {
    return this.#state
  }

  /** Every row that belongs to this run. */
  allRows(): readonly Row[] {
    return [...this.rows, ...this.#lifecycle, ...this.#cancels]
  }

  get hasEnded(): boolean {
    return this.#state.end !== undefined
  }

  /**
   * Whether its end has come before the rest of its text: appends may be overtaken by what is published after them.
   * Until the text is there, or `giveUp()`, it counts as active.
   */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Takes streams that its end found open for over. */
  giveUp(): void {
    this.#isOverdue = true
    this.#info = undefined
  }

  /** Whether part of its content is still being written. */
  get hasOpenStream(): boolean {
    return this.rows.some(isOpen)
  }

  /** Whether its start is known, by a message that only a started run has. */
  get visible(): boolean {
    return this.projection.size > 0 || this.#state.start !== undefined || this.#state.steps.length > 0
  }

  protected get isComplete(): boolean {
    return this.hasEnded && !this.hasOpenStream
  }

  protected override rest(): void {
    super.rest()
    this.#lifecycle = this.#lifecycle.slice()
  }

  /** Whether its snapshot has to be made anew. */
  get hasNews(): boolean {
    return this.#info === undefined
  }

  info(inputCancels: readonly Row[] = []): RunInfo {
    return (this.#info ??= this.#snapshot(inputCancels))
  }

  /** Forgets the snapshot after a cancel that names its prompt. */
  touch(): void {
    this.#info = undefined
  }

  protected override shows(row: Row): boolean {
    if (!super.shows(row)) return false
    const attempt = row.transport[Header.attempt]
    const canonical = this.#attempts.get(row.transport[Header.stepId] ?? '')
    return attempt === undefined || canonical === undefined || attempt === canonical
  }

  protected derive(): void {
    const state = runState(this.#lifecycle)
    this.#isEnding = state.end !== undefined && !this.#isOverdue && this.hasOpenStream
    // NOTE: views compare errors by identity
    if (state.error && isSame(this.#state.error, state.error)) state.error = this.#state.error
    this.#state = this.#isEnding ? { start: state.start, steps: state.steps, status: 'active' } : state
    const { start } = this.#state
    const first = lowest(start, this.rows[0], this.#lifecycle[0])
    this.sort = (start ?? first)?.serial ?? ''
    this.parent = start ? start.transport[Header.parent] : this.#provisionalParent()
    this.inputId = this.#firstHeader(Header.inputId)
    this.regenerates = this.#firstHeader(Header.regenerates)
    const facts = this.#readFacts()
    if (isSame(this.#facts, facts)) return
    this.#facts = facts
    this.#info = undefined
  }

  protected messageState(): MessageState {
    const { status } = this.#state
    return status === 'active' ? 'streaming' : status === 'suspended' ? 'complete' : status
  }

  protected error(): ViewMessage<M>['error'] {
    return this.#state.error
  }

  /**
   * Until the start is known, the parent of the first output that does not point into this run itself
   * (outputs of a resumed run do).
   */
  #provisionalParent(): string | undefined {
    for (const row of this.rows) {
      const parent = row.transport[Header.parent]
      if (parent !== undefined && this.projection.message(parent) === undefined) return parent
    }
    return undefined
  }

  /** A header of the run as a whole: its start decides, else the agent's earliest message that has it. */
  #firstHeader(header: string): string | undefined {
    const fromStart = this.#state.start?.transport[header]
    if (fromStart) return fromStart
    const isAgents = (row: Row): boolean => row.transport[Header.invocationId] !== undefined
    const holder = (rows: readonly Row[]): Row | undefined => rows.find((row) => isAgents(row) && row.transport[header])
    return lowest(holder(this.#lifecycle), holder(this.rows))?.transport[header]
  }

  #readFacts(): RunFacts {
    const { status, error, start, end, steps } = this.#state
    const { inputId } = this
    return {
      runId: this.key,
      clientId: this.#firstHeader(Header.owner) ?? this.rows[0]?.transport[Header.owner] ?? '',
      invocationId: this.#firstHeader(Header.invocationId) ?? '',
      status,
      steps,
      ...(inputId !== undefined && { inputId }),
      ...(error && { error }),
      ...(start && { startedAt: start.timestamp }),
      ...(end && { endedAt: end.timestamp }),
    }
  }

  #snapshot(inputCancels: readonly Row[]): RunInfo {
    const facts = (this.#facts ??= this.#readFacts())
    const cancel = lowest(this.#cancels[0], inputCancels[0])
    if (!cancel) return facts
    const asked = { by: cancel.clientId, at: cancel.timestamp }
    return {
      ...facts,
      ...(!this.hasEnded && { cancelling: asked }),
      ...(facts.status === 'cancelled' && { cancelledBy: asked }),
    }
  }
}

/** What a run's snapshot says besides who asked to stop it. */
type RunFacts = Omit<RunInfo, 'cancelling' | 'cancelledBy'>

/** Whether two values, made by the same code, say the same. */
const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

function lowest(...rows: (Row | undefined)[]): Row | undefined {
  return rows.reduce((low, row) => (row && (!low || row.serial < low.serial) ? row : low), undefined)
}

/** Orders nodes by their place in the channel; prompts the channel does not have yet come last. */
export function bySort(a: TreeNode<object>, b: TreeNode<object>): number {
  const left = a.sort || '\uffff'
  const right = b.sort || '\uffff'
  return left < right ? -1 : left > right ? 1 : 0
}
