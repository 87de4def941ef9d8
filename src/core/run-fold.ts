import { insertBySerial, noItems, SmallMap } from './collections'
import { isAgents, isContent, isOpen } from './log'
import type { Row } from './rows'
import { idsIn, isEntry, isSteer, Refusals, SteerStates, type RunStep } from './run-state'
import { Header, isClients, MessageName, noHeaders, type Headers } from './wire'

/** Headers about the run as a whole: the start has them, else the first message that does. */
const decisive = [Header.owner, Header.inputClientId, Header.invocationId, Header.inputId, Header.regenerates]

/** What the fold keeps about a step. */
interface StepTrack {
  /** Its place among the steps; -1 while no attempt is known. */
  index: number
  /** The serial of the newest attempt. */
  attempt: string | undefined
  /** How many rows of it count. */
  count: number
  /**
   * Rows with a lower serial than the start of their own attempt, which can happen because the clocks of two sites
   * differ.
   */
  readonly early: Row[]
}

/**
 * What the rows of a run add up to, read in the order of their serials. A row behind all others, which almost every row
 * is when it arrives, costs the same however long the run is; any other row needs a fresh fold of all rows.
 */
export class RunFold {
  #last = ''
  /** Whether a row has changed more than the content. The run clears this when it has read the fold. */
  hasNews = true
  /** The content that counts: none of attempts that were tried again. It is another list when it loses rows. */
  content: readonly Row[] = noItems
  steps: readonly RunStep[] = noItems
  first: Row | undefined
  start: Row | undefined
  /** The newest start or resume. */
  entry: Row | undefined
  end: Row | undefined
  /** The first row of an answer that begins a run of its own. */
  fork: Row | undefined
  /** The first input of a client. */
  input: Row | undefined
  hasOutput = false
  steers: SteerStates | undefined
  refusals: Refusals | undefined
  /** Serials of the answers that its agent has gone on with. */
  namedAnswers: readonly unknown[] = noItems
  #resume: Row | undefined
  /** Invocations that have suspended the run. */
  #suspends: Set<string> | undefined
  readonly #tracks = new SmallMap<StepTrack>()
  /** The headers of the agent's first message about the run as a whole, with those that it lacks from later ones. */
  #earliest: Record<string, string | undefined> = noHeaders
  /** The headers of that kind that no message of the agent has. */
  #missing: readonly string[] = decisive
  /** Message ids, and the parents of outputs, while the start is unknown. */
  #ids: Set<string | undefined> | undefined
  #parents: Set<string> | undefined
  #stamp: string | undefined
  /** Inputs that woke an agent. */
  readonly #triggers = new SmallMap<true>()

  /** @param rows - by serial */
  constructor(rows: readonly Row[]) {
    // NOTE: this runs for each run of a page, and walking a list by index is the cheapest way
    for (let at = 0; at < rows.length; at++) this.#read(rows[at]!)
  }

  /** Takes in one more row; false when others come behind it. */
  goOn(row: Row): boolean {
    if (row.serial <= this.#last) return false
    this.#read(row)
    return true
  }

  /** A header of the run as a whole: its start decides, else the agent's earliest message that has it. */
  header(name: string): string | undefined {
    return this.start?.transport[name] || this.#earliest[name]
  }

  /** The owner that clients show: as Ably has verified it for the agent, else the client of the first input. */
  get shownOwner(): string {
    const { start, input } = this
    const verified = start ? start.transport[Header.inputClientId] : this.#earliest[Header.inputClientId]
    return verified || this.header(Header.owner) || (input && (input.clientId ?? input.transport[Header.owner])) || ''
  }

  /** The serial by which the run is listed. */
  get serial(): string {
    return (this.#ownFork ?? this.start ?? this.first)?.serial ?? ''
  }

  /** The message that the run follows. */
  get parent(): string | undefined {
    const begin = this.start ?? this.#ownFork
    return begin ? begin.transport[Header.parent] : this.#provisionalParent
  }

  // NOTE: allowed or not, so that where a run stands does not depend on where those stand that it replaces
  get #ownFork(): Row | undefined {
    return this.fork && this.answersFork ? this.fork : undefined
  }

  /** Whether it has a message that only a started run has. */
  get isStarted(): boolean {
    return this.start !== undefined || this.hasOutput || this.steps.length > 0
  }

  /**
   * Whether a stream of its content is still open at its end. Streams of attempts that were tried again do not count,
   * nor those that an agent went on with after another one had ended the run.
   */
  get hasOpenStream(): boolean {
    return this.content.some((row) => isOpen(row) && row.version <= this.end!.serial)
  }

  /**
   * Until the start is known, the parent of the first output that does not point into this run itself (outputs of a
   * resumed run do).
   */
  get #provisionalParent(): string | undefined {
    for (const parent of this.#parents ?? noItems) {
      if (!this.#ids!.has(parent)) return parent
      this.#parents!.delete(parent)
    }
    return undefined
  }

  /** A suspend counts only while no later invocation has re-entered the run. */
  get isSuspended(): boolean {
    const current = (this.#resume ?? this.start)?.transport[Header.invocationId]
    return current === undefined ? this.#suspends !== undefined : this.#suspends?.has(current) === true
  }

  /**
   * Whether the run can be the reply to a fork (an answer that begins a run of its own). A run that answers a prompt or
   * a regeneration cannot, although another client may have sent a fork with the message id of that prompt or request.
   */
  get answersFork(): boolean {
    const start = this.start?.transport
    return !start || (start[Header.parent] !== start[Header.inputId] && start[Header.regenerates] === undefined)
  }

  #read(row: Row): void {
    this.#last = row.serial
    this.first ??= row
    this.#noteHeaders(row)
    if (isContent(row)) this.#readContent(row)
    else this.#readLifecycle(row)
  }

  #noteHeaders(row: Row): void {
    const missing = this.#missing
    // NOTE: most rows have none of them
    for (let at = 0; at < missing.length; at++) {
      if (row.transport[missing[at]!]) return isAgents(row) ? this.#takeHeaders(row.transport) : undefined
    }
  }

  #takeHeaders(transport: Headers): void {
    const missing = this.#missing
    if (missing === decisive) this.#earliest = transport
    else for (const name of missing) this.#earliest = { ...this.#earliest, [name]: transport[name] }
    this.#missing = missing.filter((name) => !transport[name])
    this.hasNews = true
  }

  #readContent(row: Row): void {
    const { name, transport } = row
    if (name === MessageName.input) {
      const id = transport[Header.messageId]
      if (transport[Header.runId] === undefined) this.fork ??= row
      this.input ??= row
      this.hasNews = true
      if (isSteer(row) && id !== undefined) this.#knownSteers.send(id)
    } else {
      if (!this.hasOutput) {
        this.hasNews = true
        this.hasOutput = transport[Header.messageId] !== undefined
      }
      const stamp = transport[Header.steers]
      if (stamp !== undefined && stamp !== this.#stamp) this.#readStamp(stamp)
    }
    if (!this.start) this.#notePlace(row)
    this.#count(row)
  }

  #notePlace({ name, transport }: Row): void {
    const parent = transport[Header.parent]
    this.#ids ??= new Set()
    this.#ids.add(transport[Header.messageId])
    if (parent !== undefined && name === MessageName.output) (this.#parents ??= new Set()).add(parent)
    this.hasNews = true
  }

  /** Reads which steers an output says it has taken up; mostly the same as the output before. */
  #readStamp(stamp: string): void {
    this.#stamp = stamp
    this.#knownSteers.consume(stamp)
    this.hasNews = true
  }

  get #knownSteers(): SteerStates {
    return (this.steers ??= new SteerStates(this.#triggers))
  }

  /** Adds content unless it is of an attempt that was tried again. */
  #count(row: Row): void {
    const { [Header.stepId]: stepId = '', [Header.attempt]: attempt } = row.transport
    if (attempt !== undefined) {
      const track = this.#trackOf(stepId)
      if ((track.attempt ?? attempt) !== attempt) return this.#setAside(track, row, attempt)
      track.count++
    }
    this.content = insertBySerial(this.content, row)
  }

  /** Keeps a row of an attempt that can still begin; others will never count. */
  #setAside({ early }: StepTrack, row: Row, attempt: string): void {
    if (attempt > row.serial) early.push(row)
  }

  #readLifecycle(row: Row): void {
    const { name, transport } = row
    this.hasNews = true
    const { [Header.inputId]: inputId, [Header.invocationId]: invocation = '', [Header.stepId]: stepId } = transport
    if (inputId !== undefined && !isClients(name)) this.#noteTrigger(inputId)
    if (isEntry(row)) this.entry = row
    const answers = transport[Header.answers]
    if (answers) this.namedAnswers = [...this.namedAnswers, ...idsIn(answers)]
    if (name === MessageName.runStart) this.start ??= row
    else if (name === MessageName.runResume) this.#resume = row
    else if (name === MessageName.runSuspend) (this.#suspends ??= new Set()).add(invocation)
    else if (name === MessageName.runEnd) this.end ??= row
    else if (name === MessageName.cancelRefused) (this.refusals ??= new Refusals()).add(transport)
    else if (stepId === undefined) return
    else if (name === MessageName.stepStart) this.#startStep(row, stepId)
    else if (name === MessageName.stepEnd) this.#endStep(row, stepId)
  }

  #noteTrigger(inputId: string): void {
    this.#triggers.set(inputId, true)
    this.steers?.touch(inputId)
  }

  #trackOf(stepId: string): StepTrack {
    let track = this.#tracks.get(stepId)
    if (!track) this.#tracks.set(stepId, (track = { index: -1, attempt: undefined, count: 0, early: [] }))
    return track
  }

  /** A further attempt of a step takes the place of the one before. */
  #startStep({ serial, transport }: Row, stepId: string): void {
    const track = this.#trackOf(stepId)
    track.attempt = serial
    if (track.count > 0) this.#dropAttempts(track, stepId)
    const attemptCount = (this.steps[track.index]?.attemptCount ?? 0) + 1
    const stepClientId = transport[Header.stepClientId] ?? ''
    this.#setStep(track, { stepId, status: 'active', attemptCount, stepClientId })
    if (track.early.length > 0) for (const row of track.early.splice(0)) this.#takeEarly(row, stepId)
  }

  /** Takes the content of earlier attempts out. */
  #dropAttempts(track: StepTrack, stepId: string): void {
    const { length } = this.content
    const isOld = ({ [Header.stepId]: id = '', [Header.attempt]: attempt = track.attempt }: Headers): boolean =>
      id === stepId && attempt !== track.attempt
    this.content = this.content.filter(({ transport }) => !isOld(transport))
    track.count -= length - this.content.length
  }

  #takeEarly(row: Row, stepId: string): void {
    if (!isContent(row)) return this.#endStep(row, stepId)
    this.content = [...this.content]
    this.#count(row)
  }

  #endStep(row: Row, stepId: string): void {
    const { [Header.attempt]: attempt, [Header.stepReason]: reason } = row.transport
    const track = this.#trackOf(stepId)
    // NOTE: one without a serial of its own attempt is taken to speak of the latest
    if (attempt !== undefined && attempt !== track.attempt) return this.#setAside(track, row, attempt)
    const step = this.steps[track.index]
    const status = reason === 'failed' || reason === 'cancelled' ? reason : 'complete'
    if (step) this.#setStep(track, { ...step, status })
  }

  #setStep(track: StepTrack, step: RunStep): void {
    const steps = this.steps.slice()
    if (track.index < 0) track.index = steps.length
    steps[track.index] = step
    this.steps = steps
  }
}
