import { Siblings } from './siblings'
import { Cancels } from './cancels'
import { Forks, isFork } from './forks'
import type { Codec } from './codec'
import { isUnsettled, Log, type Row } from './log'
import type { TreeNode } from './node'
import { Nodes, type Restructured } from './nodes'
import { InputNode } from './input-node'
import { AccessPolicy, type Trust } from './access'
import { RunNode } from './run-node'
import type { RunInfo } from './run-info'
import { plainPort, type ReactivePort } from './signals'
import { RunStatusTracker, type RunTransition } from './run-status-tracker'
import { Header, MessageName, type ChannelMessage, type Headers } from './wire'

/** The changes since the last `settle()`. */
export interface Settled<M extends object> extends Restructured<M> {
  /** Runs or pending prompts look different. */
  runs: boolean
  transitions: readonly RunTransition<M>[]
  /** Runs that got or lost rows. */
  touched: readonly RunNode<M>[]
  /** Prompts that got or lost rows, or were cancelled. */
  prompts?: readonly InputNode<M>[]
  /** Message ids of requests for another reply that came, went, or were cancelled. */
  requests?: readonly string[]
  /** Prompts that showed up as other versions of prompts. */
  forks?: readonly InputNode<M>[]
}

const nothing: Settled<never> = { structure: false, runs: false, transitions: [], touched: [] }

/**
 * A conversation as nodes made from channel rows: an input per prompt, a run per reply. `apply` sorts rows into nodes;
 * `settle` derives the rest of the state. Neither depends on the order in which different messages arrive.
 */
export class Tree<M extends object> extends Nodes<M> {
  readonly log: Log
  readonly #isAgentKnown: boolean
  readonly access: AccessPolicy
  /** Requests for another reply, by message id: no nodes, since they show nothing. */
  readonly requests = new Map<string, Row>()
  readonly #forks = new Forks<M>((row) => this.access.canWrite(row, undefined))
  readonly cancels: Cancels<M> = new Cancels<M>(this)
  /** Rows of which more is expected; a repair has to read back to the oldest of them. */
  readonly #open = new Set<Row>()

  /** Requests for another reply that changed. */
  readonly #touchedRequests = new Set<string>()
  /** Rows that got longer. */
  readonly #grown = new Set<Row>()
  readonly #watch = new RunStatusTracker<M>()
  /** Which nodes are versions of each other. */
  readonly siblings: Siblings<M> = new Siblings<M>(this)

  constructor(
    readonly codec: Codec<M>,
    readonly port: ReactivePort = plainPort,
    trust: Trust = {},
  ) {
    super()
    this.#isAgentKnown = trust.isAgent !== undefined
    this.log = new Log(trust.isAgent)
    this.access = new AccessPolicy(trust, this.runs)
  }

  /** Takes in one channel message. False when it is foreign, malformed or nothing new. */
  apply(message: ChannelMessage): boolean {
    const change = this.log.apply(message)
    if (!change) return false
    const { row, kind } = change
    this.#trackOpen(row)
    if (kind === 'grew') {
      this.#grown.add(row)
    } else {
      if (kind === 'replaced') this.#withdraw(row, change.before)
      // NOTE: deleted messages are treated as never received
      if (!row.deleted) this.#place(row)
    }
    return true
  }

  /** Brings nodes in step with their rows. */
  settle(): Settled<M> {
    for (const row of this.#grown) this.#grow(row)
    this.#grown.clear()
    // NOTE: for most tokens this is all, so nothing is made for them
    return this.dirty.size > 0 || this.isRestructured ? this.#settleNodes() : nothing
  }

  #grow(row: Row): void {
    const node = row.home as TreeNode<M> | undefined
    if (!node) return
    const isDone = node.grow(row)
    // NOTE: late text can contain the tool call that a suspended run waits for
    if (!isDone || (node instanceof RunNode && node.state.status === 'suspended')) this.dirty.add(node)
  }

  #settleNodes(): Settled<M> {
    const transitions: RunTransition<M>[] = []
    const touched: RunNode<M>[] = []
    const forks: InputNode<M>[] = []
    const prompts: InputNode<M>[] = []
    let runs = false
    // NOTE: a run that turns out to own a fork takes the fork's rows, so settling can add nodes to this list
    for (const node of this.dirty) {
      this.dirty.delete(node)
      const isNew = node.size === 0
      this.settleNode(node)
      if (node instanceof RunNode) {
        touched.push(node)
        const transition = this.#settleRun(node)
        if (transition) transitions.push(transition)
      } else {
        const prompt = node as InputNode<M>
        prompts.push(prompt)
        if (isNew && prompt.forkOf !== undefined) forks.push(prompt)
      }
      // NOTE: a row in a suspended run can be its answer, which is then pending
      runs ||= !(node instanceof RunNode) || node.hasNews || node.state.status === 'suspended'
    }
    for (const run of this.#watch.surplus()) this.#forget(run)
    const requests = [...this.#touchedRequests]
    this.#touchedRequests.clear()
    return { ...this.#restructured(), runs, transitions, touched, prompts, requests, forks }
  }

  /** Keeps the rows of nodes that have settled in little room. */
  compact(nodes: readonly TreeNode<M>[]): void {
    for (const node of nodes) node.compact(this.log)
  }

  #restructured(): Restructured<M> {
    const change = this.restructured()
    if (change.moved) for (const node of change.moved) this.siblings.update(node)
    else if (change.structure) this.siblings.reset()
    return change
  }

  /**
   * Runs with an end but incomplete text, and the time when the end arrived: later messages can overtake appends. Such a
   * run counts as active until the text is complete, or until `endOverdue()`.
   */
  get ending(): ReadonlyMap<RunNode<M>, number> {
    return this.#watch.ending
  }

  /** Ends runs whose end has arrived although some of their streams are open; false when there are none. */
  endOverdue(isOver: (run: RunNode<M>, since: number) => boolean = () => true): boolean {
    let isAny = false
    for (const [run, since] of this.ending) {
      if (!isOver(run, since)) continue
      run.endNow()
      this.dirty.add(run)
      isAny = true
    }
    return isAny
  }

  /** Whether a node has its place on some branch. */
  isListed(node: TreeNode<M>): boolean {
    return node.visible && !node.isGone && !(node as Partial<RunNode<M>>).isSuperseded
  }

  protected relocateSiblings(node: TreeNode<M>): void {
    this.relocate(node)
    for (const sibling of this.siblings.of(node)) this.relocate(sibling)
  }

  /** Runs that go on from copies of this one's messages and take its place. */
  replacementsOf(run: RunNode<M>): readonly RunNode<M>[] {
    return this.#forks.replacementsOf(run)
  }

  /** Answers that begin a run of their own of which nothing has been heard yet. */
  placeholderRuns(): IterableIterator<RunNode<M>> {
    return this.#forks.placeholderRuns.values()
  }

  info(run: RunNode<M>): RunInfo {
    return run.info(() => this.cancels.of(run))
  }

  /** The node of an input that has no run of its own yet: a prompt, or an answer that begins a run. */
  inputNode(inputId: string): TreeNode<M> | undefined {
    return this.inputs.get(inputId) ?? this.#forks.placeholderRuns.get(inputId)
  }

  /** The oldest serial that is still expected to change; undefined when nothing is open. */
  oldestOpen(): string | undefined {
    let oldest: string | undefined
    const note = (serial: string): void => {
      if (serial && (oldest === undefined || serial < oldest)) oldest = serial
    }
    for (const row of this.#open) {
      // NOTE: streams that an ended run left open get no more text
      const isLeft = row.home instanceof RunNode && row.home.hasEnded && !row.partial
      if (!isLeft) note(row.serial)
    }
    for (const run of this.runs.values()) if (!run.hasEnded && !this.#forks.isSuperseded(run)) note(run.sort)
    return oldest
  }

  /** The serial up to which no row is missing or open: a reader that missed messages reads back to here. */
  resumePoint(): string {
    const { newest } = this.log
    const open = this.oldestOpen() ?? newest
    return open < newest ? open : newest
  }

  /** Shows a prompt before the channel has it. */
  addLocal(inputId: string, rows: readonly Row[]): InputNode<M> {
    const node = this.#input(inputId)
    node.setLocal(rows)
    this.mention(inputId, node, node.sort)
    this.dirty.add(node)
    return node
  }

  failLocal(inputId: string, error: { code: number; message: string } | undefined): void {
    const node = this.inputs.get(inputId)
    if (!node) return
    node.fail(error)
    this.dirty.add(node)
    // NOTE: others may show in its place
    this.relocate(node)
  }

  /** Lets a failed prompt wait for its echo again. */
  retryLocal(inputId: string): void {
    this.failLocal(inputId, undefined)
  }

  /** Takes back a prompt that the channel never got. */
  discardLocal(inputId: string): void {
    const node = this.inputs.get(inputId)
    if (!node || node.isSent) return
    this.inputs.delete(inputId)
    this.unmention(inputId, node)
    this.removeNode(node)
  }

  #trackOpen(row: Row): void {
    if (isUnsettled(row)) {
      this.#open.add(row)
    } else if (this.#open.delete(row) && this.#watch.ending.has(row.home as RunNode<M>)) {
      this.dirty.add(row.home as RunNode<M>)
    }
  }

  #place(row: Row): void {
    switch (row.name) {
      case MessageName.input:
        return this.#placeInput(row)
      case MessageName.output:
        return this.#placeOutput(row)
      case MessageName.cancel:
        return this.#placeCancel(row)
      default:
        return this.#placeLifecycle(row)
    }
  }

  #placeInput(row: Row): void {
    const { [Header.runId]: runId, [Header.messageId]: inputId, [Header.role]: role } = row.transport
    // NOTE: if the agents are known, other clients can only publish the role `user`
    if (runId !== undefined) return role === 'user' || !this.#isAgentKnown ? this.#placeOutput(row) : undefined
    if (inputId === undefined) return
    if (!this.codec.decodes(row)) {
      if (row.transport[Header.regenerates] !== undefined) this.#placeRequest(inputId, row)
      return
    }
    if (role === 'user') this.attachRow(this.#input(inputId), row)
    else if (isFork(row)) this.#placeFork(inputId, row)
  }

  #placeRequest(inputId: string, row: Row): void {
    this.requests.set(inputId, row)
    this.#touchRequest(inputId)
  }

  /** Everything that names a run and has content: outputs, and inputs that answer into or steer a run. */
  #placeOutput(row: Row): void {
    const runId = row.transport[Header.runId]
    if (runId !== undefined && this.codec.decodes(row)) this.attachRow(this.#run(runId), row)
  }

  /** Reads again the forks that start with copies of a run, or replace it. */
  #rereadForksOf(run: RunNode<M>): void {
    for (const fork of this.#forks.replacing(run)) {
      this.isRestructured = true
      // NOTE: in one direction only, since runs may claim to take each other's place
      if (fork === run || fork.sort < run.sort) continue
      fork.reread()
      this.dirty.add(fork)
    }
  }

  #placeFork(inputId: string, row: Row): void {
    this.#forks.add(inputId, row)
    this.attachRow(this.#runOfFork(inputId), row)
    this.#touchReplaced(row.transport)
  }

  /** Updates whether a run is replaced by other runs. */
  #touchReplaced({ [Header.supersedes]: runId = '' }: Headers): void {
    const run = this.runs.get(runId)
    if (run) this.dirty.add(run)
  }

  /** The run that answers a fork: the first that says so on the channel; a placeholder until there is one. */
  #runOfFork(inputId: string): RunNode<M> {
    const claims = this.runsOf(inputId).map((run) => ({ run, serial: run.serialOfTrigger(inputId) ?? '' }))
    if (claims.length > 0) return claims.reduce((low, claim) => (claim.serial < low.serial ? claim : low)).run
    return this.nodeIn(this.#forks.placeholderRuns, inputId, () => this.#newRun(inputId, true))
  }

  /** Moves the rows of a fork to the run that answers it. */
  #adopt(inputId: string): void {
    const rows = this.#forks.of(inputId)
    if (rows.length === 0) return
    const run = this.#runOfFork(inputId)
    for (const row of rows) {
      if (row.home === run) continue
      this.detachRow(row, row.transport)
      this.attachRow(run, row)
      this.#touchReplaced(row.transport)
    }
  }

  #placeLifecycle(row: Row): void {
    const runId = row.transport[Header.runId]
    if (runId === undefined) return
    const node = this.#run(runId)
    node.addLifecycle(row)
    this.dirty.add(node)
  }

  #placeCancel(row: Row): void {
    const runId = row.transport[Header.runId]
    const inputId = row.transport[Header.inputId]
    if (runId !== undefined) {
      const node = this.#run(runId)
      node.addCancel(row)
      this.#touchRun(node, row)
    } else if (inputId !== undefined) {
      this.cancels.add(row, inputId)
      this.#touch(inputId, row)
    }
    if (this.#isStray(row)) this.#limitStrays(row)
  }

  /** Forgets the oldest cancel of too many that name unknown runs and inputs. */
  #limitStrays(row: Row): void {
    const oldest = this.cancels.addStray(row)
    // NOTE: its run or input may be known by now
    if (!oldest || !this.#isStray(oldest)) return
    this.#withdrawCancel(oldest, oldest.transport)
    this.log.forget(oldest)
  }

  #isStray({ transport: { [Header.runId]: runId, [Header.inputId]: inputId = '' } }: Row): boolean {
    const run = this.runs.get(runId ?? '')
    return runId === undefined ? !this.#knows(inputId) : !run?.visible && !run?.entry
  }

  #knows(inputId: string): boolean {
    return (
      this.inputs.has(inputId) ||
      this.requests.has(inputId) ||
      this.runsOf(inputId).length > 0 ||
      this.#forks.of(inputId).length > 0
    )
  }

  /** Marks the nodes that show a cancel of a prompt as changed. */
  #touch(inputId: string, cancel: Row): void {
    for (const run of this.runsOf(inputId)) this.#touchRun(run, cancel)
    const node = this.inputNode(inputId)
    if (node && this.#mayCount(cancel, node.owner)) this.dirty.add(node)
    const request = this.requests.get(inputId)
    if (request && this.#mayCount(cancel, request.clientId)) this.#touchRequest(inputId)
  }

  #touchRun(run: RunNode<M>, cancel: Row): void {
    if (!this.#mayCount(cancel, run.owner)) return
    run.touch()
    this.dirty.add(run)
  }

  /** False if policy refuses a cancel: a flood of those changes nothing that is shown, so it must not cost a refresh. */
  #mayCount({ clientId }: Row, owner: string | undefined): boolean {
    return owner === undefined || this.access.allows('cancel', clientId, owner)
  }

  #touchRequest(inputId: string): void {
    this.#touchedRequests.add(inputId)
    this.isRestructured = true
  }

  /** Takes a row that said this out of the tree. */
  #withdraw(row: Row, before: Headers): void {
    if (row.name === MessageName.cancel) return this.#withdrawCancel(row, before)
    if (!row.home) return this.#withdrawRequest(row, before)
    this.detachRow(row, before)
    this.#forks.remove(row, before)
    this.#touchReplaced(before)
  }

  #withdrawRequest(row: Row, { [Header.messageId]: inputId = '' }: Headers): void {
    if (this.requests.get(inputId) !== row) return
    this.requests.delete(inputId)
    this.#touchRequest(inputId)
  }

  #withdrawCancel(row: Row, { [Header.runId]: runId, [Header.inputId]: inputId }: Headers): void {
    this.cancels.strays.delete(row)
    if (runId !== undefined) {
      const run = this.runs.get(runId)
      run?.removeCancel(row)
      if (run) this.#touchRun(run, row)
    } else if (inputId !== undefined) {
      this.cancels.remove(row, inputId)
      this.#touch(inputId, row)
    }
  }

  #input(inputId: string): InputNode<M> {
    return this.nodeIn(this.inputs, inputId, () => new InputNode(inputId, this.codec, this.port))
  }

  #run(runId: string): RunNode<M> {
    return this.nodeIn(this.runs, runId, () => this.#newRun(runId))
  }

  #newRun(key: string, isAwaited?: boolean): RunNode<M> {
    return new RunNode(key, this.codec, this.port, this.access, isAwaited)
  }

  #settleRun(run: RunNode<M>): RunTransition<M> | undefined {
    if (run.inputId !== undefined) this.#adopt(run.inputId)
    if (this.access.isGuarded) this.#rereadForksOf(run)
    const isSuperseded = this.#forks.isSuperseded(run)
    if (isSuperseded !== run.isSuperseded) {
      this.relocateSiblings(run)
      run.isSuperseded = isSuperseded
    }
    if (!run.isPlaceholder || !run.isEmpty) return this.#watch.note(run)
    // NOTE: the run that answers the fork has been heard of and has its rows now
    this.#forget(run)
    return undefined
  }

  #forget(run: RunNode<M>): void {
    if (run.isPlaceholder) this.#forks.placeholderRuns.delete(run.key)
    else this.runs.delete(run.key)
    this.#watch.forget(run)
    for (const row of run.allRows()) {
      this.log.forget(row)
      this.#open.delete(row)
      this.cancels.strays.delete(row)
      if (row.home === run) this.#withdraw(row, row.transport)
    }
    this.removeNode(run)
  }
}
