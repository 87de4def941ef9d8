import type { Codec } from './codec'
import { Few } from './few'
import { isAgents, isOpen, type Row } from './log'
import { TreeNode } from './node'
import type { ReactivePort } from './port'
import type { Cancelling, RunInfo } from './run-info'
import { runState, type RunState, type RunStatus } from './run-state'
import { insertBySerial, noItems, removeBySerial } from './sorted'
import { isSteer, noSteers, readSteers } from './steers'
import type { MessageState, SteerState, ViewMessage } from './view-message'
import { Header, MessageName } from './wire'

/** Decides on what clients say into runs. */
export interface Judge {
  allows(row: Row, run: RunNode<object>): boolean
  /** What counts of an input that is allowed. */
  read(row: Row): Row
}

/** A reply. Its key is its run id. */
export class RunNode<M extends object> extends TreeNode<M> {
  override readonly runId: string | undefined
  /** Lifecycle and step rows in serial order. */
  #lifecycle: readonly Row[] = noItems
  #cancels: readonly Row[] = noItems
  /** Serial of the newest attempt known per step. */
  readonly #attempts = new Few<string>()
  /** The rows of the answer that it began with, if it goes on from copies of another run's messages. */
  #forks: readonly Row[] = noItems
  #steerRows: readonly Row[] = noItems
  #steers = noSteers
  #hasOutput = false
  #state = unheard
  #facts: RunFacts | undefined
  #info: RunInfo | undefined
  #stop: Partial<Cancelling> | undefined
  #isEnding = false
  #isOverdue = false
  /** Whether something came that its state or its facts may follow from. */
  #isNews = true
  /** Message id of the prompt that woke the agent. */
  inputId: string | undefined
  regenerates: string | undefined
  /** The status that was told last; see `RunWatch`. */
  told: RunStatus | undefined

  constructor(
    key: string,
    codec: Codec<M>,
    port: ReactivePort,
    /** Whether it stands for a run that nobody has heard of; its key is then the message id of what it answers. */
    readonly isAwaited = false,
    private readonly judge?: Judge,
  ) {
    super(key, codec, port)
    this.runId = isAwaited ? undefined : key
  }

  override add(row: Row): void {
    if (isOfFork(row)) this.#forks = insertBySerial(this.#forks, row)
    else if (isSteer(row)) this.#steerRows = insertBySerial(this.#steerRows, row)
    this.#isNews ||= !this.#isFurther(row)
    super.add(row)
  }

  /** Whether a row only goes on with a reply whose start has said all: nothing but its messages follow from it. */
  #isFurther(row: Row): boolean {
    const { start } = this.#state
    if (!start || !this.#hasOutput || this.#isEnding || this.hasEnded || isOfFork(row)) return false
    if (decisive.some((header) => row.transport[header] && !start.transport[header])) return false
    return this.#steerRows.length === 0 || (!isSteer(row) && stampOf(row) === stampOf(this.rows.at(-1)))
  }

  override remove(row: Row): void {
    this.#isNews = true
    removeBySerial(this.#forks, row)
    removeBySerial(this.#steerRows, row)
    removeBySerial(this.#lifecycle, row)
    if (row.name === MessageName.stepStart) this.#findAttempts()
    super.remove(row)
  }

  addLifecycle(row: Row): void {
    row.home = this
    this.#isNews = true
    this.#lifecycle = insertBySerial(this.#lifecycle, row)
    if (row.name === MessageName.stepStart) this.#addAttempt(row)
    if (row.name === MessageName.cancelRefused) this.#info = undefined
    if (row.name === MessageName.runStart && this.rows.some(isInput)) this.reread()
  }

  /** The newest attempt of a step is the one that shows; what others wrote vanishes. */
  #addAttempt({ serial, transport: { [Header.stepId]: stepId } }: Row): void {
    if (stepId === undefined) return
    const former = this.#attempts.get(stepId)
    if (former !== undefined && serial <= former) return
    this.#attempts.set(stepId, serial)
    const isOther = ({ transport }: Row): boolean => former !== undefined || transport[Header.attempt] !== serial
    if (this.rows.some((row) => row.transport[Header.stepId] === stepId && isOther(row))) this.stale = true
  }

  #findAttempts(): void {
    this.#attempts.clear()
    for (const row of this.#lifecycle) if (row.name === MessageName.stepStart) this.#addAttempt(row)
  }

  /** What counts of its rows may be something else than before. */
  reread(): void {
    this.stale = true
    this.#isNews = true
  }

  get owner(): string | undefined {
    const teller = this.isAwaited ? this.#forks[0] : this.#start
    return this.isAwaited ? teller?.clientId : teller?.transport[Header.inputClientId]
  }

  #accepts(row: Row): boolean {
    if (row.transport[Header.runId] === undefined && !this.#answersFork) return false
    return this.judge?.allows(row, this) ?? true
  }

  /** Whether its start lets it answer a fork; others may have given one the id of its prompt, or of its request. */
  get #answersFork(): boolean {
    const start = this.#start?.transport
    return !start || (start[Header.parent] !== start[Header.inputId] && start[Header.regenerates] === undefined)
  }

  get #start(): Row | undefined {
    return this.#lifecycle.find(({ name }) => name === MessageName.runStart)
  }

  addCancel(row: Row): void {
    this.#cancels = insertBySerial(this.#cancels, row)
    this.touch()
  }

  removeCancel(row: Row): void {
    removeBySerial(this.#cancels, row)
    this.touch()
  }

  /** Serials of the requests that its agent has decided against. */
  get #refused(): ReadonlySet<string | undefined> {
    return new Set(this.#lifecycle.map(({ transport }) => transport[Header.refuses]))
  }

  /** How messages that were sent into it while it was being written fare, by message id. */
  get steers(): ReadonlyMap<string, SteerState> {
    return this.#steers
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
    this.#isNews = true
    this.touch()
  }

  /** Whether part of its content is still being written. */
  get hasOpenStream(): boolean {
    return this.rows.some(isOpen)
  }

  /** Whether its start is known, by a message that only a started run has. */
  get visible(): boolean {
    const { start, steps } = this.#state
    // NOTE: where it is told whose messages count, clients cannot make a run
    const hasContent = this.projection.size > 0 && (this.isAwaited || !this.judge)
    return hasContent || start !== undefined || steps.length > 0 || this.#hasOutput
  }

  /** The serial of the agent's earliest message that names this trigger. */
  serialOfTrigger(inputId: string): string | undefined {
    return this.#holder(Header.inputId, (value) => value === inputId)?.serial
  }

  protected override get goesOn(): boolean {
    return !this.#isNews && !this.#isEnding
  }

  protected get instead(): string | undefined {
    return this.regenerates
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

  /** @param cancels - the requests to stop it that count, by serial */
  info(cancels: () => readonly Row[]): RunInfo {
    return (this.#info ??= this.#snapshot(cancels()))
  }

  /** Forgets the snapshot: something came that it does not say. */
  touch(): void {
    this.#info = undefined
  }

  /** Takes what is known of a request to stop besides its row; false when that is nothing new. */
  noteStop(stop: Partial<Cancelling> | undefined): boolean {
    if (isSame(this.#stop, stop)) return false
    this.#stop = stop
    this.touch()
    return true
  }

  protected override read(row: Row): Row | undefined {
    if (row.name === MessageName.input) return this.#accepts(row) ? (this.judge?.read(row) ?? row) : undefined
    const attempt = row.transport[Header.attempt]
    const canonical = this.#attempts.get(row.transport[Header.stepId] ?? '')
    return attempt === undefined || canonical === undefined || attempt === canonical ? row : undefined
  }

  protected derive(): void {
    this.#isNews = false
    const state = runState(this.#lifecycle)
    this.#isEnding = state.end !== undefined && !this.#isOverdue && this.hasOpenStream
    // NOTE: views compare errors by identity
    if (state.error && isSame(this.#state.error, state.error)) state.error = this.#state.error
    this.#state = this.#isEnding ? { start: state.start, steps: state.steps, status: 'active' } : state
    const { start } = this.#state
    const first = lowest(start, this.rows[0], this.#lifecycle[0])
    // NOTE: allowed or not, so that where a run stands does not depend on where those stand that it replaces
    const fork = this.#answersFork ? this.#forks[0] : undefined
    this.sort = (fork ?? start ?? first)?.serial ?? ''
    this.parent = (start ?? fork)?.transport[Header.parent]
    if (!start && !fork) this.parent = this.#provisionalParent()
    this.inputId = this.#firstHeader(Header.inputId)
    this.regenerates = this.#firstHeader(Header.regenerates)
    this.#hasOutput = this.rows.some(isOutput)
    this.#steers = readSteers(this.#steerRows, this.rows, this.#lifecycle, this.hasEnded)
    const facts = this.#readFacts()
    if (this.#facts && isSame(this.#facts, facts)) return
    this.#facts = facts
    this.#info = undefined
  }

  protected messageState(id: string): MessageState {
    const { status } = this.#state
    if (this.#steers.has(id)) return 'sent'
    if (this.isAwaited) return 'complete'
    return status === 'active' ? 'streaming' : status === 'suspended' ? 'complete' : status
  }

  protected override steerState(id: string): SteerState | undefined {
    return this.#steers.get(id)
  }

  protected error(): ViewMessage<M>['error'] {
    return this.#state.error
  }

  /**
   * Until the start is known, the parent of the first output that does not point into this run itself
   * (outputs of a resumed run do).
   */
  #provisionalParent(): string | undefined {
    const own = new Set(this.rows.map((row) => row.transport[Header.messageId]))
    const pointsOut = ({ name, transport }: Row): boolean =>
      name === MessageName.output && transport[Header.parent] !== undefined && !own.has(transport[Header.parent])
    return this.rows.find(pointsOut)?.transport[Header.parent]
  }

  /** A header of the run as a whole: its start decides, else the agent's earliest message that has it. */
  #firstHeader(header: string): string | undefined {
    return this.#state.start?.transport[header] || this.#holder(header, Boolean)?.transport[header]
  }

  /** The agent's earliest message with such a header. */
  #holder(header: string, fits: (value: string | undefined) => boolean): Row | undefined {
    const isIt = (row: Row): boolean => isAgents(row) && fits(row.transport[header])
    return lowest(this.#lifecycle.find(isIt), this.rows.find(isIt))
  }

  #readFacts(): RunFacts {
    const { status, error, start, end, steps } = this.#state
    const { inputId, parent } = this
    return {
      runId: this.key,
      clientId: this.#knownOwner || this.#firstHeader(Header.owner) || this.#inputOwner() || '',
      invocationId: this.#firstHeader(Header.invocationId) ?? '',
      status,
      steps,
      ...(inputId !== undefined && { inputId }),
      ...(parent !== undefined && { parentId: parent }),
      ...(error && { error }),
      ...(start && { startedAt: start.timestamp }),
      ...(end && { endedAt: end.timestamp }),
    }
  }

  /** The owner as Ably has verified it for the agent. */
  get #knownOwner(): string | undefined {
    const teller = this.#state.start ?? this.#holder(Header.inputClientId, Boolean)
    return teller?.transport[Header.inputClientId]
  }

  /** Whoever put something into the run; the owner only while its agent has said nothing. */
  #inputOwner(): string | undefined {
    const first = this.rows.find(isInput)
    return first && (first.clientId ?? first.transport[Header.owner])
  }

  #snapshot(cancels: readonly Row[]): RunInfo {
    const facts = (this.#facts ??= this.#readFacts())
    const heeded = cancels.find(({ serial }) => !this.#refused.has(serial))
    const first = heeded ?? cancels[0]
    if (!first && !this.#stop) return facts
    // What is noted of a request that has no row yet is all of it
    const request = (first ? { by: first.clientId, at: first.timestamp } : this.#stop) as Cancelling
    const cancelling = { ...request, ...this.#stop, ...(first && !heeded && { refused: true as const }) }
    return {
      ...facts,
      ...(!this.hasEnded && { cancelling }),
      ...(facts.status === 'cancelled' && heeded && { cancelledBy: request }),
    }
  }
}

const unheard: RunState = { status: 'active', steps: [] }

/** What the start says about the run as a whole, or the first message that does. */
const decisive = [Header.owner, Header.inputClientId, Header.invocationId, Header.inputId, Header.regenerates]

const isOfFork = ({ transport }: Row): boolean => transport[Header.runId] === undefined

const stampOf = (row: Row | undefined): string | undefined => row?.transport[Header.steers]

const isInput = ({ name }: Row): boolean => name === MessageName.input

const isOutput = ({ name, transport }: Row): boolean =>
  name === MessageName.output && transport[Header.messageId] !== undefined

/** What a run's snapshot says besides who asked to stop it. */
type RunFacts = Omit<RunInfo, 'cancelling' | 'cancelledBy'>

/** Whether two values, made by the same code, say the same. */
const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

function lowest(...rows: (Row | undefined)[]): Row | undefined {
  return rows.reduce((low, row) => (row && (!low || row.serial < low.serial) ? row : low), undefined)
}
