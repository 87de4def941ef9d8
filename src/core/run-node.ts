import type { AccessPolicy } from './access'
import { Answers, isAnswer } from './answers'
import type { Codec } from './codec'
import { isSame, noItems, reuseIfSame, sameItems } from './collections'
import { isContent } from './log'
import type { Row } from './rows'
import { TreeNode } from './node'
import type { NodeContext } from './projection'
import { RunFold } from './run-fold'
import { infoOf, RunProgress, type Cancelling, type RunInfo } from './run-info'
import { endState, hasEnded, plainStates, type RunState, type RunStatus } from './run-state'
import type { MessageState, SteerState, ViewMessage } from './view-message'
import { Header, MessageName } from './wire'

/** The parts of a tree that its runs use. */
interface RunContext<M extends object> extends NodeContext<M> {
  readonly access: AccessPolicy
  readonly cancels: { of(run: RunNode<M>): readonly Row[] }
  readonly forks: {
    areOf(run: RunNode<M>): boolean
    withAnswersTo(run: RunNode<M>, own: readonly Row[], named: readonly unknown[], codec: Codec<M>): Answers
  }
}

/** A reply. Its key is its run id. */
export class RunNode<M extends object> extends TreeNode<M> {
  #progress: RunProgress | undefined = new RunProgress()
  /** Its snapshot as it was read last. */
  #info: RunInfo | undefined
  #steers: RunFold['steers']
  #isStarted = false
  #isOverdue = false
  state: RunState = plainStates.active
  readonly #context: RunContext<M>
  /** Its owner, while its rows are compact. */
  #owner: string | undefined
  /** Message id of the prompt that woke the agent. */
  inputId: string | undefined
  regenerates: string | undefined
  /** Whether it is on no branch: other runs take its place, or it is a late fork. Known when the tree has settled. */
  isSuperseded = false
  /** The status of the last transition that the tree has told. */
  lastStatus: RunStatus | undefined

  constructor(
    key: string,
    context: RunContext<M>,
    /** Whether it is a placeholder for a run that has not started; its key is then the message id of the fork. */
    readonly isPlaceholder = false,
  ) {
    super(key, context)
    this.#context = context
  }

  get #now(): RunProgress {
    return (this.#progress ??= new RunProgress())
  }

  override add(row: Row): string | undefined {
    const named = super.add(row)
    if (!isContent(row)) this.#readAgain(row)
    const progress = this.#noteChange(row)
    if (!progress.fold?.goOn(row)) progress.fold = progress.answers = undefined
    else if (progress.answers && isAnswer(row)) this.#takeAnswer(progress, row)
    progress.isNews ||= (progress.fold?.hasNews ?? true) || this.hasEnded
    return named
  }

  override get runId(): string | undefined {
    return this.isPlaceholder ? undefined : this.key
  }

  /** Takes in the answer of a fork that replaces it. */
  addFork(row: Row): void {
    if (!this.#progress?.answers?.goOn(row)) this.reread()
  }

  /** Forgets facts of the known rows that a lifecycle row can change. */
  #readAgain({ name, transport }: Row): void {
    if (name === MessageName.cancelRefused) this.forgetInfo()
    if (name === MessageName.runStart || transport[Header.answers]) this.#now.answers = undefined
    // NOTE: the start names the owner, and some inputs count only if they are the owner's
    if (name === MessageName.runStart && this.rows.some((each) => each.name === MessageName.input)) this.reread()
  }

  #takeAnswer(progress: RunProgress, row: Row): void {
    const isNamed = this.fold.namedAnswers.includes(row.serial)
    if (!isNamed && !this.#context.access.canWrite(row, this.owner)) return
    if (isNamed || !progress.answers!.goOn(row)) progress.answers = undefined
  }

  override follow(parent: string): void {
    super.follow(parent)
    if (this.inputId === parent) this.inputId = parent
  }

  override grow(row: Row): boolean {
    this.#noteChange(row)
    return super.grow(row)
  }

  #noteChange({ name, version }: Row): RunProgress {
    const progress = this.#now
    progress.isNewToForks = true
    // NOTE: any agent can publish a refusal, also one that is woken after the run's own agent has died
    if (name !== MessageName.cancelRefused && version > progress.version) progress.version = version
    return progress
  }

  /** The newest version of its rows, without cancels and their refusals: a run is silent while this stays the same. */
  get newestVersion(): string {
    return this.#progress?.version ?? ''
  }

  /** Whether it has changed since the last call, so that its forks, which copy its messages, are to be read again. */
  takeNewToForks(): boolean {
    return this.#progress?.take('isNewToForks') ?? false
  }

  override remove(row: Row): void {
    const progress = this.#now
    progress.fold = progress.answers = undefined
    progress.isNews = progress.isNewToForks = true
    super.remove(row)
  }

  /** Reads its rows again: other rows may count than before. */
  reread(): void {
    this.#now.answers = undefined
    this.stale = this.#now.isNewToForks = true
  }

  get owner(): string | undefined {
    if (this.isCompact) return this.#owner
    return this.isPlaceholder ? this.rows[0]?.clientId : this.start?.transport[Header.inputClientId]
  }

  /** Whether its start is known, which names the owner. */
  get isOwnerKnown(): boolean {
    return this.isCompact || !!this.start
  }

  /** The message that says it has started. */
  get start(): Row | undefined {
    return this.#progress?.fold?.start ?? this.rows.find(({ name }) => name === MessageName.runStart)
  }

  /** Its newest start or resume. */
  get entry(): Row | undefined {
    return this.fold.entry
  }

  /** The answers of clients to its tool calls. */
  get answers(): Answers {
    return (this.#now.answers ??= this.answersWith(this.fold.namedAnswers))
  }

  /** @param named - serials of the answers in it that its agent has gone on with, oldest first */
  answersWith(named: readonly unknown[]): Answers {
    const isOwn = (row: Row): boolean => isAnswer(row) && this.#context.access.canWrite(row, this.owner)
    return this.#context.forks.withAnswersTo(this, this.rows.filter(isOwn), named, this.#context.codec)
  }

  /** The run as its rows describe it. Compact rows stay compact, so that a reader of many runs takes no rows back. */
  get fold(): RunFold {
    return this.isCompact ? new RunFold(this.compactRows!) : (this.#now.fold ??= new RunFold(this.rows))
  }

  /** How a message fares that a client sent into it while it was being written. */
  override steerState(id: string): SteerState | undefined {
    return this.#steers?.stateOf(id, this.hasEnded)
  }

  /** Its content rows, by serial. */
  get contentRows(): readonly Row[] {
    return this.rows.filter(isContent)
  }

  get hasEnded(): boolean {
    return hasEnded(this.state.status)
  }

  /** Whether its end has arrived before the rest of its text: it is active until that is complete, or `endNow()`. */
  get isEnding(): boolean {
    return this.#progress?.isEnding === true
  }

  /** Ends the run although some of its streams are open: their rest is not expected any more. */
  endNow(): void {
    this.#isOverdue = this.#now.isNews = true
  }

  /** Whether its start is known, by a message that only a started run has. */
  get visible(): boolean {
    // NOTE: if agents or a policy are given, clients cannot create a run
    return this.#isStarted || (this.size > 0 && (this.isPlaceholder || !this.#context.access.isGuarded))
  }

  protected override get isAppendOnly(): boolean {
    return this.#progress?.isNews === false && !this.#progress.isEnding
  }

  override get isGoingOn(): boolean {
    return this.isAppendOnly && !this.stale && !this.isStalled && this.state.status === 'active'
  }

  get replacesId(): string | undefined {
    return this.regenerates
  }

  protected get isComplete(): boolean {
    return this.hasEnded && !(this.#isOverdue && this.fold.hasOpenStream)
  }

  protected override release(): void {
    this.#owner = this.owner
    // NOTE: while the rows are at hand: a view of a long session reads the snapshots of all its runs
    this.info()
    this.#progress = undefined
    super.release()
  }

  /** Its snapshot for clients; the same object while it says the same. */
  info(): RunInfo {
    const known = this.#info
    if (known && !this.#progress?.isInfoStale) return known
    // NOTE: views compare snapshots by identity
    const info = (this.#info = reuseIfSame(known, infoOf(this, this.#context.cancels.of(this), this.#progress)))
    if (this.#progress) {
      this.#progress.isInfoStale = false
      this.#progress.hasNewInfo ||= known !== undefined && info !== known
    }
    return info
  }

  /** Lets the next reader of its snapshot have a new one, because its sources have changed. */
  forgetInfo(): void {
    this.#now.isInfoStale = true
    this.#now.hasNewInfo ||= !this.#info
  }

  /** Whether its snapshot has changed since the last call. */
  takeNewInfo(): boolean {
    if (this.#progress && this.#info) this.info()
    return this.#progress?.take('hasNewInfo') ?? false
  }

  /** Sets the state of a cancel that no row contains. */
  setCancelState(state: Partial<Cancelling> | undefined): void {
    if (isSame(this.#progress?.cancelState, state)) return
    this.#now.cancelState = state
    this.forgetInfo()
  }

  /** Whether its agent is gone, as far as is known. */
  get isStalled(): boolean {
    return this.#progress?.isStalled === true
  }

  /** Notes whether its agent is gone; false when that is nothing new. */
  setStalled(isStalled: boolean): boolean {
    if (this.isStalled === isStalled) return false
    this.#now.isStalled = isStalled
    this.forgetInfo()
    return true
  }

  read(row: Row): Row | undefined {
    if (row.name !== MessageName.input) return row
    if (row.transport[Header.runId] === undefined && !this.fold.answersFork) return undefined
    if (this.isOutdone(row)) return undefined
    return this.#context.access.filterInput(row, this.owner)
  }

  protected override get content(): readonly Row[] {
    return this.fold.content
  }

  protected derive(): readonly string[] | undefined {
    const progress = this.#now
    const { state, fold } = this
    const { end } = fold
    this.#steers = fold.steers
    progress.isEnding = end !== undefined && !this.#isOverdue && fold.hasOpenStream
    const open = plainStates[fold.isSuspended && !end ? 'suspended' : 'active']
    this.state = end && !progress.isEnding ? endState(end, state) : open
    if (progress.isNews || state !== this.state) this.forgetInfo()
    progress.isNews = fold.hasNews = false
    this.serial = fold.serial
    this.parent = fold.parent
    this.inputId = fold.header(Header.inputId)
    this.regenerates = fold.header(Header.regenerates)
    this.#isStarted = fold.isStarted
    if (fold.namedAnswers.length > 0 || progress.acted.length > 0) this.#noteActed(progress)
    return state === this.state ? (this.#steers?.touched() ?? noItems) : undefined
  }

  /** Whether a row is an answer that does not count: its agent has gone on with another one, or a fork came first. */
  isOutdone(row: Row | undefined): boolean {
    const isAnswered = this.fold.namedAnswers.length > 0 || this.#context.forks.areOf(this)
    return !!row && isAnswered && this.answers.isOutdone(row)
  }

  #noteActed(progress: RunProgress): void {
    const acted = [...this.answers.acted]
    if (!sameItems(progress.acted, acted)) this.stale = progress.isNewToForks = true
    progress.acted = acted
  }

  protected messageState(id: string): MessageState {
    const { status } = this.state
    if (this.steerState(id)) return 'sent'
    if (this.isPlaceholder) return 'complete'
    return status === 'active' ? 'streaming' : status === 'suspended' ? 'complete' : status
  }

  protected error(): ViewMessage<M>['error'] {
    return this.state.error
  }
}
