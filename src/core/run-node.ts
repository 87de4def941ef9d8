import type { AccessPolicy } from './access'
import { Answers, isAnswer } from './answers'
import type { Codec } from './codec'
import { isSame, noItems, sameItems } from './collections'
import { isContent } from './log'
import type { Row } from './row'
import { TreeNode } from './node'
import { RunFold } from './run-fold'
import { factsOf, RunSnapshot, type RunFacts, type RunInfo } from './run-info'
import { endState, hasEnded, isEntry, plainStates, type RunState, type RunStatus } from './run-state'
import type { ReactivePort } from './signals'
import type { MessageState, SteerState, ViewMessage } from './view-message'
import { Header, MessageName } from './wire'

/** The forks that replace runs. */
interface ForksOf<M extends object> {
  areOf(run: RunNode<M>): boolean
  withAnswersTo(run: RunNode<M>, own: readonly Row[], named: readonly unknown[], codec: Codec<M>): Answers
}

/** A reply. Its key is its run id. */
export class RunNode<M extends object> extends TreeNode<M> {
  /** The run as its rows describe it. Undefined after a row that is not the last by serial: all rows are then read again. */
  #fold: RunFold | undefined = new RunFold(noItems)
  /** Whether rows have come since the last `derive()` that can change the state or the facts. */
  #isNews = true
  #steers: RunFold['steers']
  #answers: Answers | undefined
  /** The answers that its agent had gone on with when it was settled. */
  #acted: readonly Row[] = noItems
  #isStarted = false
  #state: RunState = plainStates.active
  /** Its `RunInfo` for clients. */
  readonly snapshot = new RunSnapshot()
  readonly #access: AccessPolicy
  readonly #forks: ForksOf<M>
  /** Its owner, while its rows are compact. */
  #owner: string | undefined
  #isEnding = false
  #isOverdue = false
  /** The newest version of any of its rows, cancels and their refusals aside: a run is silent while this stays the same. */
  newestVersion = ''
  /** Whether it has changed since the runs were read that go on from copies of its messages. */
  hasChanged = true
  /** Message id of the prompt that woke the agent. */
  inputId: string | undefined
  regenerates: string | undefined
  /** Whether it is on no branch: other runs take its place, or it is a late fork. Known when the tree has settled. */
  isSuperseded = false
  /** The status of the last transition that the tree has told. */
  lastStatus: RunStatus | undefined

  constructor(
    key: string,
    codec: Codec<M>,
    port: ReactivePort,
    access: AccessPolicy,
    forks: ForksOf<M>,
    /** Whether it is a placeholder for a run that has not started; its key is then the message id of the fork. */
    readonly isPlaceholder = false,
  ) {
    super(key, codec, port)
    this.#access = access
    this.#forks = forks
  }

  override add(row: Row): boolean {
    const isFirst = super.add(row)
    if (!isContent(row)) this.#readAgain(row)
    this.#noteVersion(row)
    this.hasChanged = true
    if (!this.#fold?.goOn(row)) this.#fold = this.#answers = undefined
    else if (this.#answers && isAnswer(row)) this.#takeAnswer(row)
    this.#isNews ||= (this.#fold?.hasNews ?? true) || this.hasEnded
    return isFirst
  }

  override get runId(): string | undefined {
    return this.isPlaceholder ? undefined : this.key
  }

  /** Takes in the answer of a fork that replaces it. */
  addFork(row: Row): void {
    if (!this.#answers?.goOn(row)) this.reread()
  }

  /** Forgets what a lifecycle row can change about the rows that are known. */
  #readAgain({ name, transport }: Row): void {
    if (name === MessageName.cancelRefused) this.snapshot.forget()
    if (name === MessageName.runStart || transport[Header.answers]) this.#answers = undefined
    // NOTE: the start names the owner, on whom it depends which inputs count
    if (name === MessageName.runStart && this.rows.some(isInput)) this.reread()
  }

  #takeAnswer(row: Row): void {
    if (this.#known.namedAnswers.includes(row.serial)) this.#answers = undefined
    else if (this.#counts(row) && !this.#answers!.goOn(row)) this.#answers = undefined
  }

  override follow(parent: string): void {
    super.follow(parent)
    if (this.inputId === parent) this.inputId = parent
  }

  override grow(row: Row): boolean {
    this.#noteVersion(row)
    this.hasChanged = true
    return super.grow(row)
  }

  #noteVersion({ name, version }: Row): void {
    // NOTE: any agent can publish a refusal, also one that is woken after the run's own agent has died
    if (name !== MessageName.cancelRefused && version > this.newestVersion) this.newestVersion = version
  }

  override remove(row: Row): void {
    this.#fold = this.#answers = undefined
    this.#isNews = this.hasChanged = true
    super.remove(row)
  }

  /** Reads its rows again: other rows may count than before. */
  reread(): void {
    this.#answers = undefined
    this.stale = this.hasChanged = true
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
    return this.#fold ? this.#fold.start : this.rows.find(({ name }) => name === MessageName.runStart)
  }

  /** Its newest start or resume. */
  get entry(): Row | undefined {
    return this.#fold ? this.#fold.entry : this.rows.findLast(isEntry)
  }

  /** The answers of clients to its tool calls. */
  get answers(): Answers {
    return (this.#answers ??= this.answersWith(this.#known.namedAnswers))
  }

  /** @param named - serials of the answers in it that its agent has gone on with, oldest first */
  answersWith(named: readonly unknown[]): Answers {
    const isOwn = (row: Row): boolean => isAnswer(row) && this.#counts(row)
    return this.#forks.withAnswersTo(this, this.rows.filter(isOwn), named, this.projection.codec)
  }

  /** Whether an input is of a client that may write into it. */
  #counts(row: Row): boolean {
    return this.#access.canWrite(row, this.owner)
  }

  /** The run as its rows describe it. Compact rows are only looked at, so that a reader of many runs takes no rows back. */
  get #known(): RunFold {
    return this.isCompact ? new RunFold(this.knownRows) : (this.#fold ??= new RunFold(this.rows))
  }

  /** How a message fares that a client sent into it while it was being written. */
  override steerState(id: string): SteerState | undefined {
    return this.#steers?.stateOf(id, this.hasEnded)
  }

  get state(): RunState {
    return this.#state
  }

  /** Its content rows, by serial. */
  get contentRows(): readonly Row[] {
    return this.rows.filter(isContent)
  }

  get hasEnded(): boolean {
    return hasEnded(this.#state.status)
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
    this.snapshot.forget()
  }

  /** Whether its start is known, by a message that only a started run has. */
  get visible(): boolean {
    // NOTE: if agents or a policy are given, clients cannot create a run
    const hasContent = this.projection.size > 0 && (this.isPlaceholder || !this.#access.isGuarded)
    return hasContent || this.#isStarted
  }

  protected override get isAppendOnly(): boolean {
    return !this.#isNews && !this.#isEnding
  }

  protected get replacesId(): string | undefined {
    return this.regenerates
  }

  protected get isComplete(): boolean {
    return this.hasEnded && !(this.#isOverdue && this.#known.hasOpenStream)
  }

  protected override release(): void {
    this.#owner = this.owner
    super.release()
    this.#acted = noItems
    this.#fold = this.#answers = undefined
    this.snapshot.release()
    this.newestVersion = ''
  }

  override expand(rows: readonly Row[]): void {
    super.expand(rows)
    for (const row of rows) this.#noteVersion(row)
  }

  /** @param cancels - the cancels of this run that count, by serial */
  info(cancels: () => readonly Row[]): RunInfo {
    return this.snapshot.info(this, cancels)
  }

  protected override read(row: Row): Row | undefined {
    if (row.name !== MessageName.input) return row
    if (row.transport[Header.runId] === undefined && !this.#known.answersFork) return undefined
    if (this.isOutdone(row)) return undefined
    return this.#access.filterInput(row, this.owner)
  }

  protected override get content(): readonly Row[] {
    return this.#known.content
  }

  protected derive(): readonly string[] | undefined {
    const isFresh = !this.#fold
    const state = this.#state
    const fold = this.#known
    this.#isNews = false
    fold.hasNews = false
    this.#steers = fold.steers
    // NOTE: views compare steps and errors by identity
    const { steps } = this.snapshot
    if (isFresh && steps && isSame(fold.steps, steps)) fold.steps = steps
    this.#readState(fold)
    this.serial = fold.serial
    this.parent = fold.parent
    this.inputId = fold.header(Header.inputId)
    this.regenerates = fold.header(Header.regenerates)
    this.#isStarted = fold.isStarted
    if (fold.namedAnswers.length > 0 || this.#acted.length > 0) this.#noteActed()
    this.snapshot.update(this.facts)
    const touched = this.#steers?.touched() ?? noItems
    return state === this.#state ? touched : undefined
  }

  /** The facts about it, for its snapshot. */
  get facts(): RunFacts {
    return factsOf(this.#known, this.#state, this)
  }

  /** Its steps, its end and the refusals of its cancels, as its rows tell them. */
  get outcome(): Pick<RunFold, 'steps' | 'end' | 'refusals'> {
    return this.#known
  }

  #readState(fold: RunFold): void {
    const { end } = fold
    this.#isEnding = end !== undefined && !this.#isOverdue && fold.hasOpenStream
    const live = plainStates[fold.isSuspended && !end ? 'suspended' : 'active']
    const state = end && !this.#isEnding ? endState(end) : live
    if (!isSame(state, this.#state)) this.#state = state
  }

  protected override seal(): void {
    super.seal()
    this.#fold = undefined
  }

  /** Whether a row is an answer that does not count: its agent has gone on with another one, or a fork came first. */
  isOutdone(row: Row | undefined): boolean {
    return !!row && (this.#known.namedAnswers.length > 0 || this.#forks.areOf(this)) && this.answers.isOutdone(row)
  }

  #noteActed(): void {
    const acted = [...this.answers.acted]
    if (!sameItems(this.#acted, acted)) this.stale = this.hasChanged = true
    this.#acted = acted
  }

  protected messageState(id: string): MessageState {
    const { status } = this.#state
    if (this.steerState(id)) return 'sent'
    if (this.isPlaceholder) return 'complete'
    return status === 'active' ? 'streaming' : status === 'suspended' ? 'complete' : status
  }

  protected error(): ViewMessage<M>['error'] {
    return this.#state.error
  }
}

const isInput = ({ name }: Row): boolean => name === MessageName.input
