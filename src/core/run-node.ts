import { answersIn, settledBefore } from './answers'
import type { Codec } from './codec'
import { isContent, isOpen, type Row } from './log'
import { TreeNode } from './node'
import type { ReactivePort } from './signals'
import {
  headerOf,
  holderOf,
  isDecisive,
  isInput,
  lowest,
  provisionalParent,
  readFacts,
  type RunFacts,
  type RunRows,
  withCancellation,
  type Cancelling,
  type RunInfo,
} from './run-info'
import type { AccessPolicy } from './access'
import {
  firstOf,
  isCanonical,
  runState,
  initialRunState,
  type RunState,
  type RunStatus,
  isSteer,
  noSteers,
  readSteers,
} from './run-state'
import { insertBySerial, noItems, removeBySerial } from './collections'
import type { MessageState, SteerState, ViewMessage } from './view-message'
import { Header, MessageName } from './wire'

/** A reply. Its key is its run id. */
export class RunNode<M extends object> extends TreeNode<M> {
  override readonly runId: string | undefined
  /** Lifecycle and step rows in serial order. */
  #lifecycle: readonly Row[] = noItems
  #cancels: readonly Row[] = noItems
  #steers = noSteers
  /** The answers that its agent has gone on with. */
  #acted: readonly Row[] = noItems
  #hasOutput = false
  #isStarted = false
  #state = initialRunState
  #facts: RunFacts | undefined
  #info: RunInfo | undefined
  #cancelState: Partial<Cancelling> | undefined
  readonly #judge: AccessPolicy
  readonly #codec: Codec<M>
  /** Its owner, while its rows are kept elsewhere. */
  #owner: string | undefined
  #isEnding = false
  #isOverdue = false
  /** Whether something came that its state or its facts may follow from. */
  #isNews = true
  /** Whether its agent is gone, as far as is known. */
  isStalled = false
  /** Counts the changes of its rows, cancels aside: a run is silent while this stays the same. */
  activity = 0
  /** Message id of the prompt that woke the agent. */
  inputId: string | undefined
  regenerates: string | undefined
  /** Whether other runs take its place; known when the tree has settled. */
  isSuperseded = false
  /** The status of the last transition; see `RunStatusTracker`. */
  lastStatus: RunStatus | undefined

  constructor(
    key: string,
    codec: Codec<M>,
    port: ReactivePort,
    judge: AccessPolicy,
    /** Whether it is a placeholder for a run that has not started; its key is then the message id of the fork. */
    readonly isPlaceholder = false,
  ) {
    super(key, codec, port)
    this.#judge = judge
    this.#codec = codec
    this.runId = isPlaceholder ? undefined : key
  }

  override add(row: Row): void {
    this.#isNews ||= !this.#isFurther(row)
    this.activity++
    super.add(row)
  }

  override grow(row: Row): boolean {
    this.activity++
    return super.grow(row)
  }

  /** Whether a row only lengthens a reply that has begun: it changes messages, and nothing else about the run. */
  #isFurther(row: Row): boolean {
    if (!this.#isStarted || !this.#hasOutput || this.#isEnding || this.hasEnded) return false
    if (isOfFork(row) || isInput(row) || isDecisive(row, this.start!)) return false
    return this.#steers.size === 0 || stampOf(row) === stampOf(this.rows.at(-1))
  }

  override remove(row: Row): void {
    this.#isNews = true
    removeBySerial(this.lifecycleRows, row)
    super.remove(row)
  }

  addLifecycle(row: Row): void {
    row.home = this
    this.#isNews = true
    this.activity++
    this.#lifecycle = insertBySerial(this.lifecycleRows, row)
    if (row.name === MessageName.cancelRefused) this.#info = undefined
    if (row.name === MessageName.runStart && this.rows.some(isInput)) this.reread()
  }

  /** Reads its rows again: other rows may count than before. */
  reread(): void {
    this.stale = true
    this.#isNews = true
  }

  get owner(): string | undefined {
    if (this.isCompact) return this.#owner
    return this.isPlaceholder ? this.rows[0]?.clientId : this.start?.transport[Header.inputClientId]
  }

  /** Whether its start lets it answer a fork; others may have given one the id of its prompt, or of its request. */
  get #answersFork(): boolean {
    const start = this.start?.transport
    return !start || (start[Header.parent] !== start[Header.inputId] && start[Header.regenerates] === undefined)
  }

  /** The message that says it has started. */
  get start(): Row | undefined {
    return firstOf(this.lifecycleRows, MessageName.runStart)
  }

  addCancel(row: Row): void {
    this.#cancels = insertBySerial(this.#cancels, row)
  }

  removeCancel(row: Row): void {
    removeBySerial(this.#cancels, row)
  }

  /** How messages that were sent into it while it was being written fare, by message id. */
  get steers(): ReadonlyMap<string, SteerState> {
    return this.#steers
  }

  /** Cancels that name this run, by serial. */
  get cancels(): readonly Row[] {
    return this.#cancels
  }

  get state(): RunState {
    return this.#state
  }

  /** Its content rows, by serial; not to be changed. */
  get contentRows(): readonly Row[] {
    return this.rows
  }

  /** Its lifecycle and step rows, by serial; not to be changed. */
  get lifecycleRows(): readonly Row[] {
    this.open()
    return this.#lifecycle
  }

  /** Every row that belongs to this run. */
  allRows(): readonly Row[] {
    return [...this.ownRows, ...this.#cancels]
  }

  get hasEnded(): boolean {
    return this.#state.status !== 'active' && this.#state.status !== 'suspended'
  }

  /**
   * Whether its end has arrived before the rest of its text: later messages can overtake appends. The run counts as active
   * until the text is complete, or until `endNow()`.
   */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Ends the run although some of its streams are open: their rest is not expected any more. */
  endNow(): void {
    this.#isOverdue = true
    this.#isNews = true
    this.touch()
  }

  /**
   * Whether a stream of its content is still open. Streams of attempts that were tried again do not count, nor those that an
   * agent went on with after another one had ended the run.
   */
  #hasOpenStream(state: RunState): boolean {
    const end = firstOf(this.lifecycleRows, MessageName.runEnd)
    const isAfterEnd = ({ version }: Row): boolean => end !== undefined && version > end.serial
    return this.rows.some((row) => isOpen(row) && isCanonical(row, state) && !isAfterEnd(row))
  }

  /** Whether its start is known, by a message that only a started run has. */
  get visible(): boolean {
    // NOTE: if agents or a policy are given, clients cannot create a run
    const hasContent = this.projection.size > 0 && (this.isPlaceholder || !this.#judge.isGuarded)
    return hasContent || this.#isStarted || this.#state.steps.length > 0 || this.#hasOutput
  }

  /** The serial of the agent's earliest message that names this trigger. */
  serialOfTrigger(inputId: string): string | undefined {
    return holderOf(this.#said, Header.inputId, (value) => value === inputId)?.serial
  }

  protected override get isAppendOnly(): boolean {
    return !this.#isNews && !this.#isEnding
  }

  protected get replacesId(): string | undefined {
    return this.regenerates
  }

  protected get isComplete(): boolean {
    return this.hasEnded && !this.#hasOpenStream(this.#state)
  }

  protected override get ownRows(): readonly Row[] {
    return [...this.lifecycleRows, ...this.rows]
  }

  protected override release(): void {
    super.release()
    this.#owner = this.owner
    this.#lifecycle = noItems
    this.#acted = noItems
  }

  override reopen(rows: readonly Row[]): void {
    super.reopen(rows)
    this.#lifecycle = rows.filter((row) => !isContent(row))
  }

  /** Whether its snapshot has to be made anew. */
  get hasNews(): boolean {
    return this.#info === undefined
  }

  /** @param cancels - the cancels of this run that count, by serial */
  info(cancels: () => readonly Row[]): RunInfo {
    this.#facts ??= readFacts(this.#said, this.#state, this.key, this.parent)
    if (!this.#info) {
      const rows = cancels()
      const isCancelled = rows.length > 0 || this.#cancelState !== undefined
      const info = isCancelled
        ? withCancellation(this.#facts, rows, this.lifecycleRows, this.#cancelState)
        : this.#facts
      this.#info = this.isStalled && info.status === 'active' ? { ...info, stalled: true } : info
    }
    return this.#info
  }

  /** Forgets the snapshot: something came that it does not say. */
  touch(): void {
    this.#info = undefined
  }

  /** Sets the state of a cancel that no row contains; false when it is the same as before. */
  setCancelState(state: Partial<Cancelling> | undefined): boolean {
    if (isSame(this.#cancelState, state)) return false
    this.#cancelState = state
    this.touch()
    return true
  }

  /** Notes whether its agent is gone, as far as is known; false when that is nothing new. */
  setStalled(isStalled: boolean): boolean {
    if (this.isStalled === isStalled) return false
    this.isStalled = isStalled
    this.touch()
    return true
  }

  protected override read(row: Row): Row | undefined {
    if (row.name !== MessageName.input) return isCanonical(row, this.#state) ? row : undefined
    if (row.transport[Header.runId] === undefined && !this.#answersFork) return undefined
    if (this.isOutdone(row)) return undefined
    return this.#judge.filterInput(row, this.owner)
  }

  get #said(): RunRows {
    const { rows: content, lifecycleRows: lifecycle, start } = this
    const end = this.hasEnded ? firstOf(lifecycle, MessageName.runEnd) : undefined
    return { content, lifecycle, start, end }
  }

  protected derive(): void {
    this.#isNews = false
    this.#readState()
    const said = this.#said
    const { start } = said
    // NOTE: allowed or not, so that where a run stands does not depend on where those stand that it replaces
    const fork = this.#answersFork ? this.rows.find(isOfFork) : undefined
    this.sort = (fork ?? start ?? lowest(this.rows[0], this.#lifecycle[0]))?.serial ?? ''
    this.parent = start || fork ? (start ?? fork)!.transport[Header.parent] : provisionalParent(said)
    this.inputId = headerOf(said, Header.inputId)
    this.regenerates = headerOf(said, Header.regenerates)
    this.#isStarted = start !== undefined
    this.#hasOutput = this.rows.some(isOutput)
    this.#steers = readSteers(this.rows, this.#lifecycle, this.hasEnded)
    this.#readActed()
    const facts = readFacts(said, this.#state, this.key, this.parent)
    if (this.#facts && isSame(this.#facts, facts)) return
    this.#facts = facts
    this.#info = undefined
  }

  #readState(): void {
    const before = this.#state
    const end = firstOf(this.#lifecycle, MessageName.runEnd)
    const state = runState(this.#lifecycle, end)
    this.#isEnding = end !== undefined && !this.#isOverdue && this.#hasOpenStream(state)
    // NOTE: views compare errors by identity
    if (state.error && isSame(before.error, state.error)) state.error = before.error
    if (this.#isEnding) Object.assign(state, { status: 'active', error: undefined })
    this.#state = state
    // Only the newest attempt of a step is shown
    if (this.rows.some((row) => isCanonical(row, before) !== isCanonical(row, state))) this.stale = true
  }

  /** Whether an answer does not count, because its agent has gone on with another one. */
  isOutdone(row: Row | undefined): boolean {
    const { length: actedCount } = this.#acted
    if (actedCount === 0 || !row || !isInput(row) || isSteer(row)) return false
    return settledBefore(this.#codec, { counted: this.#acted, actedCount }, row) !== undefined
  }

  #readActed(): void {
    if (!this.#lifecycle.some(({ transport }) => transport[Header.answers])) return
    const before = this.#acted
    const { counted, actedCount } = answersIn({ codec: this.#codec, access: this.#judge }, this)
    this.#acted = counted.slice(0, actedCount)
    if (before.length !== actedCount || before.some((row, index) => row !== counted[index])) this.stale = true
  }

  protected messageState(id: string): MessageState {
    const { status } = this.#state
    if (this.#steers.has(id)) return 'sent'
    if (this.isPlaceholder) return 'complete'
    return status === 'active' ? 'streaming' : status === 'suspended' ? 'complete' : status
  }

  protected override steerState(id: string): SteerState | undefined {
    return this.#steers.get(id)
  }

  protected error(): ViewMessage<M>['error'] {
    return this.#state.error
  }
}

const isOfFork = ({ transport }: Row): boolean => transport[Header.runId] === undefined

const stampOf = (row: Row | undefined): string | undefined => row?.transport[Header.steers]

const isOutput = ({ name, transport }: Row): boolean =>
  name === MessageName.output && transport[Header.messageId] !== undefined

/** Whether two values, made by the same code, say the same. */
const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
