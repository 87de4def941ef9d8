import { compare } from '../core/collections'
import { InputNode } from '../core/input-node'
import { type Row, unsent } from '../core/rows'
import { levelOf, type TreeNode } from '../core/node'
import type { Subject } from '../core/nodes'
import { RunNode } from '../core/run-node'
import { Header } from '../core/wire'
import type { Cancellations } from './cancellations'
import type { SessionContext } from './context'
import { localRows } from './placed-input'
import { newestAnswer, runOf, subjectOf, type PendingInput, type Submission, type Trigger } from './submission'
import type { Submissions } from './submissions'
import type { Wakes } from './wake'

/** How long an agent may take to start, in milliseconds. */
const startLimit = 20_000

/** A pending input in the session's index. */
export interface PendingEntry {
  readonly input: PendingInput
  /** Its ids, to wake the agent. */
  readonly trigger: Trigger
  /** Where it stands in lists: answers to runs first, then prompts by place, then requests. */
  readonly order: string
  /** The message that a request follows. */
  readonly parent?: string
  /** Whether an agent may still accept it, so that it counts as running. */
  readonly isUnderWay: boolean
}

/** The pending inputs of a session, looked at again when a change is about them. */
export class PendingInputs<M extends object> {
  readonly #session: SessionContext<M>
  readonly #submissions: Submissions<M>
  readonly #cancellations: Cancellations<M>
  readonly #wakes: Wakes<M>
  readonly #entries = new Map<Subject<M>, PendingEntry>()

  constructor(
    session: SessionContext<M>,
    submissions: Submissions<M>,
    cancellations: Cancellations<M>,
    wakes: Wakes<M>,
  ) {
    this.#session = session
    this.#submissions = submissions
    this.#cancellations = cancellations
    this.#wakes = wakes
  }

  get(subject: Subject<M>): PendingEntry | undefined {
    return this.#entries.get(subject)
  }

  get subjects(): Iterable<Subject<M>> {
    return this.#entries.keys()
  }

  /** The pending inputs at nodes that show. A request for another reply stands at the node that it follows. */
  list(shows: (node: TreeNode<M>) => boolean): readonly PendingEntry[] {
    const listed = [...this.#entries].flatMap(([subject, entry]) => (this.#isAt(subject, entry, shows) ? entry : []))
    return listed.toSorted((a, b) => compare(a.order, b.order))
  }

  /** All pending inputs, on every branch. */
  all(): PendingInput[] {
    return this.list(this.#isListed).map(({ input }) => input)
  }

  /** The pending input with this message id. */
  find(inputId: string): Trigger | undefined {
    const subject = subjectOf(this.#session.tree, { inputId })
    const entry = this.#entries.get(subject)
    const isIts = entry && entry.input.inputId === inputId && this.#isAt(subject, entry, this.#isListed)
    return isIts ? entry.trigger : undefined
  }

  readonly #isListed = (node: TreeNode<M>): boolean => this.#session.tree.isListed(node)

  /** Looks at subjects again. Returns the subjects with a new, changed or removed entry. */
  review(subjects: Iterable<Subject<M>>): ReadonlySet<Subject<M>> {
    const reviewed = new Set(subjects)
    const changed = new Set<Subject<M>>()
    // NOTE: the inputs that a run answers join the others here, so that each is looked at once
    for (const subject of reviewed) {
      if (this.#review(subject)) changed.add(subject)
      if (subject instanceof RunNode) this.#addInputs(subject, reviewed)
    }
    return changed
  }

  /** Adds the inputs that a run answers. */
  #addInputs({ inputId, parent }: RunNode<M>, subjects: Set<Subject<M>>): void {
    const { tree } = this.#session
    if (inputId !== undefined) subjects.add(subjectOf(tree, { inputId })).add(inputId)
    const followed = parent === undefined || parent === inputId ? undefined : tree.nodeOf(parent)
    if (followed instanceof InputNode) subjects.add(followed)
  }

  #review(subject: Subject<M>): boolean {
    const known = this.#entries.get(subject)
    const entry = typeof subject === 'string' ? this.#request(subject) : this.#atNode(subject)
    if (known && entry && isSame(known, entry)) return false
    if (!entry) return this.#entries.delete(subject)
    this.#entries.set(subject, entry)
    return true
  }

  #isAt(subject: Subject<M>, { parent = '' }: PendingEntry, shows: (node: TreeNode<M>) => boolean): boolean {
    const node = typeof subject === 'string' ? this.#session.tree.nodeOf(parent) : subject
    return node !== undefined && shows(node)
  }

  #atNode(node: Exclude<Subject<M>, string>): PendingEntry | undefined {
    return node instanceof RunNode ? this.#inRun(node) : this.#prompt(node as InputNode<M>)
  }

  #prompt(input: InputNode<M>): PendingEntry | undefined {
    const { tree } = this.#session
    if (tree.inputs.get(input.key) !== input || !input.visible || input.isFailed) return undefined
    if (runOf(tree, { inputId: input.key })) return undefined
    if (tree.children(input.key).some((child) => child instanceof RunNode && child.visible)) return undefined
    return input.first && this.#entryOf(input.first, input, `1${levelOf(input)}`, input.clientId)
  }

  /** An answer that has not been accepted: its run has not started, or not gone on. */
  #inRun(run: RunNode<M>): PendingEntry | undefined {
    const { tree } = this.#session
    if (run.isPlaceholder) {
      const row = newestAnswer(run)
      const reply = run.message(run.key)
      if (reply && tree.codec.waits?.(reply, [])) return undefined
      return row && this.#entryOf(row, run, `1${levelOf(run)}`, run.info().clientId)
    }
    if (run.state.status !== 'suspended') return undefined
    const order = `0${levelOf(run)}`
    const answer = run.answers.newest
    // NOTE: an answer may arrive while the reply is still being written, before the run is suspended
    const isNew = answer !== undefined && answer.serial > (run.entry?.serial ?? '')
    const own = isNew ? undefined : this.#submissions.unacknowledgedIn(run.key)
    const reply = run.message(own?.inputId ?? answer?.transport[Header.messageId] ?? '')
    // Calls that are still to be answered wait for a user, not for the agent
    if (reply && tree.codec.waits?.(reply, own?.answers ?? [])) return undefined
    if (isNew) return this.#entryOf(answer, run, order)
    return own && this.#entryOf(this.#rowOf(own), run, order)
  }

  #request(inputId: string): PendingEntry | undefined {
    const { tree } = this.#session
    const row = tree.requests.get(inputId)
    const own = row ? undefined : this.#submissions.find(inputId)
    if (!row && own?.place.regenerates === undefined) return undefined
    if (runOf(tree, { inputId })) return undefined
    if (row && !this.#mayRegenerate(row)) return undefined
    const at = row ?? this.#rowOf(own!)
    const entry = this.#entryOf(at, inputId, `2${at.serial || unsent}`)
    const parent = at.transport[Header.parent]
    return { ...entry, ...(parent !== undefined && { parent }) }
  }

  #mayRegenerate({ clientId, transport }: Row): boolean {
    const { tree } = this.#session
    const reply = tree.nodeOf(transport[Header.regenerates] ?? '')
    return !reply || tree.access.allows('regenerate', clientId, reply.owner)
  }

  /** The first row that the echo of an own input will bring. */
  #rowOf({ messages }: Submission): Row {
    return localRows(messages.slice(0, 1), this.#session.channel.clientId)[0]!
  }

  #entryOf(
    row: Row,
    subject: Subject<M>,
    order: string,
    clientId = row.clientId ?? row.transport[Header.owner] ?? '',
  ): PendingEntry {
    const { tree } = this.#session
    const { [Header.messageId]: inputId = '', [Header.eventId]: eventId = '', [Header.runId]: runId } = row.transport
    const trigger = { inputId, runId, eventId }
    const wake = this.#wakes.of(trigger)?.info
    const run = runId === undefined ? undefined : tree.runs.get(runId)
    const cancelling = run ? run.info().cancelling : this.#cancellations.ofInput(inputId)
    const isUnanswered = this.#isUnanswered(trigger, row, subject)
    const input: PendingInput = {
      inputId,
      clientId,
      ...(runId !== undefined && { runId }),
      ...(wake && { wake }),
      ...(cancelling && { cancelling }),
      ...(isUnanswered && { unanswered: true }),
    }
    const isCurrent = wake?.state !== 'failed' && !isUnanswered && !cancelling
    const isUnderWay = isCurrent && this.#mayCancel(inputId, run ? run.owner : row.clientId)
    return { input, trigger, order, isUnderWay }
  }

  // NOTE: inputs that this client may not cancel do not keep it running: any publisher can add thousands
  #mayCancel(inputId: string, owner: string | undefined): boolean {
    const { tree, channel } = this.#session
    return tree.access.allows('cancel', channel.clientId, owner) || this.#submissions.find(inputId) !== undefined
  }

  #isUnanswered(trigger: Trigger, row: Row, subject: Subject<M>): boolean {
    // NOTE: while the channel does not have the input, no agent can be late
    const arrived = row.serial === '' ? undefined : this.#session.deadlines.since(row)
    const wake = this.#wakes.of(trigger)
    const since = wake ? wake.acceptedAt : arrived
    return since !== undefined && this.#session.isLate(subject, since + startLimit)
  }
}

const isSame = (a: PendingEntry, b: PendingEntry): boolean => a.input.wake === b.input.wake && factsOf(a) === factsOf(b)

const factsOf = ({ input: { wake, ...facts }, ...rest }: PendingEntry): string => JSON.stringify([facts, rest])
