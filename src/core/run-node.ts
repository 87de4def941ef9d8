import type { Codec } from './codec'
import { isOpen, type Row } from './log'
import { TreeNode } from './node'
import type { ReactivePort } from './port'
import type { Cancelling, RunInfo } from './run-info'
import { runState, type RunState } from './run-state'
import { insertBySerial, removeBySerial } from './sorted'
import { isSteer, readSteers } from './steers'
import type { MessageState, SteerState, ViewMessage } from './view-message'
import { Header, MessageName } from './wire'

/** A reply. Its key is its run id. */
export class RunNode<M extends object> extends TreeNode<M> {
  override readonly runId: string | undefined
  /** Lifecycle and step rows in serial order. */
  #lifecycle: Row[] = []
  readonly #cancels: Row[] = []
  /** Serial of the newest attempt known per step. */
  readonly #attempts = new Map<string, string>()
  /** The rows of the answer that it began with, if it goes on from copies of another run's messages. */
  readonly #forks: Row[] = []
  readonly #steerRows: Row[] = []
  #steers: ReadonlyMap<string, SteerState> = new Map()
  #hasOutput = false
  #state: RunState = { status: 'active', steps: [] }
  #facts: RunFacts | undefined
  #info: RunInfo | undefined
  #stop: Partial<Cancelling> | undefined
  #isEnding = false
  #isOverdue = false
  /** Message id of the prompt that woke the agent. */
  inputId: string | undefined
  regenerates: string | undefined

  constructor(
    key: string,
    codec: Codec<M>,
    port: ReactivePort,
    /** Whether it stands for a run that nobody has heard of; its key is then the message id of what it answers. */
    readonly isAwaited = false,
  ) {
    super(key, codec, port)
    this.runId = isAwaited ? undefined : key
  }

  override add(row: Row): void {
    if (row.transport[Header.runId] === undefined) insertBySerial(this.#forks, row)
    else if (isSteer(row)) insertBySerial(this.#steerRows, row)
    super.add(row)
  }

  override remove(row: Row): void {
    removeBySerial(this.#forks, row)
    removeBySerial(this.#steerRows, row)
    removeBySerial(this.#lifecycle, row)
    if (row.name === MessageName.stepStart) this.#findAttempts()
    super.remove(row)
  }

  addLifecycle(row: Row): void {
    row.home = this
    insertBySerial(this.#lifecycle, row)
    if (row.name === MessageName.stepStart) this.#addAttempt(row)
    if (row.name === MessageName.cancelRefused) this.#info = undefined
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

  addCancel(row: Row): void {
    insertBySerial(this.#cancels, row)
    this.#info = undefined
  }

  removeCancel(row: Row): void {
    removeBySerial(this.#cancels, row)
    this.#info = undefined
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
    this.#info = undefined
  }

  /** Whether part of its content is still being written. */
  get hasOpenStream(): boolean {
    return this.rows.some(isOpen)
  }

  /** Whether its start is known, by a message that only a started run has. */
  get visible(): boolean {
    const { start, steps } = this.#state
    return this.projection.size > 0 || start !== undefined || steps.length > 0 || this.#hasOutput
  }

  /** The serial of the agent's earliest message that names this trigger. */
  serialOfTrigger(inputId: string): string | undefined {
    return this.#holder(Header.inputId, (value) => value === inputId)?.serial
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

  /** Takes what is known of a request to stop besides its row; false when that is nothing new. */
  noteStop(stop: Partial<Cancelling> | undefined): boolean {
    if (isSame(this.#stop, stop)) return false
    this.#stop = stop
    this.#info = undefined
    return true
  }

  protected override shows(row: Row): boolean {
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
    const [fork] = this.#forks
    this.sort = (fork ?? start ?? first)?.serial ?? ''
    this.parent = (start ?? fork)?.transport[Header.parent]
    if (!start && !fork) this.parent = this.#provisionalParent()
    this.inputId = this.#firstHeader(Header.inputId)
    this.regenerates = this.#firstHeader(Header.regenerates)
    this.#hasOutput = this.rows.some(isOutput)
    this.#steers = readSteers(this.#steerRows, this.rows, this.#lifecycle, this.hasEnded)
    const facts = this.#readFacts()
    if (isSame(this.#facts, facts)) return
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
    const isIt = ({ transport }: Row): boolean =>
      transport[Header.invocationId] !== undefined && fits(transport[header])
    return lowest(this.#lifecycle.find(isIt), this.rows.find(isIt))
  }

  #readFacts(): RunFacts {
    const { status, error, start, end, steps } = this.#state
    const { inputId, parent } = this
    return {
      runId: this.key,
      clientId: this.#firstHeader(Header.owner) ?? this.#inputOwner() ?? '',
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

  /** Whoever put something into the run; the owner only while its agent has said nothing. */
  #inputOwner(): string | undefined {
    return this.rows.find((row) => row.transport[Header.owner])?.transport[Header.owner]
  }

  #snapshot(inputCancels: readonly Row[]): RunInfo {
    const facts = (this.#facts ??= this.#readFacts())
    const asked = [...this.#cancels, ...inputCancels]
    const refused = new Set(this.#lifecycle.map(({ transport }) => transport[Header.refuses]))
    const heeded = lowest(...asked.filter(({ serial }) => !refused.has(serial)))
    const cancel = heeded ?? lowest(...asked)
    if (!cancel && !this.#stop) return facts
    // What is noted of a request that has no row yet is all of it
    const request = (
      cancel ? { by: cancel.clientId, at: cancel.timestamp, ...(!heeded && { refused: true }) } : this.#stop
    ) as Cancelling
    return {
      ...facts,
      ...(!this.hasEnded && { cancelling: { ...request, ...this.#stop } }),
      ...(facts.status === 'cancelled' && heeded && { cancelledBy: request }),
    }
  }
}

const isOutput = ({ name, transport }: Row): boolean =>
  name === MessageName.output && transport[Header.messageId] !== undefined

/** What a run's snapshot says besides who asked to stop it. */
type RunFacts = Omit<RunInfo, 'cancelling' | 'cancelledBy'>

/** Whether two values, made by the same code, say the same. */
const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

function lowest(...rows: (Row | undefined)[]): Row | undefined {
  return rows.reduce((low, row) => (row && (!low || row.serial < low.serial) ? row : low), undefined)
}
