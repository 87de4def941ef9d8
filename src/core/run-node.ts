import { isOpen, type Row } from './log'
import { TreeNode } from './node'
import type { RunInfo } from './run-info'
import { runState, type RunState } from './run-state'
import { insertBySerial } from './sorted'
import type { MessageState, ViewMessage } from './view-message'
import { Header } from './wire'

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
