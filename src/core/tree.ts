import type { Codec } from './codec'
import { Groups } from './groups'
import { isOpen, isStreamed, Log, type Row } from './log'
import { bySort, type TreeNode } from './node'
import { InputNode } from './input-node'
import { RunNode } from './run-node'
import type { RunInfo } from './run-info'
import { plainPort, type ReactivePort } from './port'
import type { RunStatus } from './run-state'
import { insertBySerial } from './sorted'
import { Header, MessageName, type ChannelMessage } from './wire'

/** A change of one run's status, told once. */
export interface RunTransition<M extends object> {
  run: RunNode<M>
  from: RunStatus | undefined
  to: RunStatus
}

const maxUnseenRuns = 1000

/** What became different since the last `settle()`. */
export interface Settled<M extends object> {
  /** Messages or nodes came, went or moved: visible lists have to be made anew. */
  structure: boolean
  /** Runs or pending prompts look different. */
  runs: boolean
  transitions: RunTransition<M>[]
  /** Runs that got or lost rows. */
  touched: readonly RunNode<M>[]
}

const nothing: Settled<never> = { structure: false, runs: false, transitions: [], touched: [] }

/**
 * A conversation as nodes made from channel rows: an input per prompt, a run per reply. `apply` sorts rows into nodes;
 * `settle` derives what follows from them. Neither depends on the order in which different messages arrive.
 */
export class Tree<M extends object> {
  readonly log = new Log()
  readonly inputs = new Map<string, InputNode<M>>()
  readonly runs = new Map<string, RunNode<M>>()
  /** Which node holds a message id; of two claims the lower serial wins. */
  readonly #owners = new Map<string, TreeNode<M>>()
  /** Children by the message id they follow; those without a parent under ''. */
  readonly #children = new Groups<TreeNode<M>>()
  readonly #runsByInput = new Groups<RunNode<M>>()
  readonly #cancelsByInput = new Map<string, Row[]>()
  /** Rows of which more is expected; a repair has to read back to the oldest of them. */
  readonly #open = new Set<Row>()

  /** Rows that got longer; one may be named twice, which does no harm. */
  readonly #grown: Row[] = []
  readonly #dirty = new Set<TreeNode<M>>()
  readonly #statuses = new Map<RunNode<M>, RunStatus>()
  /** Runs that have ended while the rest of their text is still on its way. */
  readonly #ending = new Set<RunNode<M>>()
  #messageCount = 0
  readonly #unseen = new Set<RunNode<M>>()
  #structure = false
  /** Nodes in sort order, as of the last time they were asked for, and those that came since. */
  #nodes: readonly TreeNode<M>[] = []
  #arrived: TreeNode<M>[] = []
  #isSorted = true

  constructor(
    readonly codec: Codec<M>,
    readonly port: ReactivePort = plainPort,
  ) {}

  /** Takes in one channel message. False when it is foreign, malformed or nothing new. */
  apply(message: ChannelMessage): boolean {
    const change = this.log.apply(message)
    if (!change) return false
    const { row, kind } = change
    this.#trackOpen(row)
    if (kind === 'added') this.#place(row)
    else if (kind === 'grew' && isStreamed(row)) this.#noteGrown(row)
    else this.#replaced(row)
    return true
  }

  /** How many messages all nodes have together, whatever the branch. */
  get messageCount(): number {
    return this.#messageCount
  }

  get hasChanges(): boolean {
    return this.#grown.length > 0 || this.#dirty.size > 0 || this.#structure
  }

  /** Brings nodes in step with their rows. */
  settle(): Settled<M> {
    for (const row of this.#grown) (row.home as TreeNode<M> | undefined)?.grow(row)
    this.#grown.length = 0
    // NOTE: for most tokens this is all, so nothing is made for them
    const settled = this.#dirty.size > 0 || this.#structure ? this.#settleNodes() : nothing
    return settled
  }

  #settleNodes(): Settled<M> {
    const transitions: RunTransition<M>[] = []
    const touched: RunNode<M>[] = []
    let runs = false
    for (const node of this.#dirty) {
      this.#settleNode(node, transitions)
      if (node instanceof RunNode) touched.push(node)
      runs ||= !(node instanceof RunNode) || node.hasNews
    }
    if (this.#unseen.size > maxUnseenRuns) this.#forgetUnseen()
    this.#dirty.clear()
    const structure = this.#structure
    if (structure) this.#isSorted = false
    this.#structure = false
    return { structure, runs, transitions, touched }
  }

  /**
   * Whether a run has ended whose text is not all there. Its end is told when the text is, or after `forgetEnding()`:
   * appends may be overtaken by what is published after them.
   */
  get isEnding(): boolean {
    return this.#ending.size > 0
  }

  /** Takes streams that ended runs left open for over. */
  forgetEnding(): void {
    for (const run of this.#ending) {
      run.giveUp()
      this.#dirty.add(run)
    }
  }

  /** All nodes in sort order: by serial, optimistic prompts last. */
  nodes(): readonly TreeNode<M>[] {
    if (!this.#isSorted) {
      // NOTE: almost sorted already, which makes it cheap
      this.#nodes = [...this.#nodes, ...this.#arrived.splice(0)].toSorted(bySort)
      this.#isSorted = true
    }
    return this.#nodes
  }

  /** The node that holds a message. */
  nodeOf(messageId: string): TreeNode<M> | undefined {
    return this.#owners.get(messageId)
  }

  children(messageId: string | undefined): readonly TreeNode<M>[] {
    return this.#children.of(messageId ?? '')
  }

  /** Runs that answer a prompt, whether or not it is the message they follow. */
  runsOf(inputId: string): readonly RunNode<M>[] {
    return this.#runsByInput.of(inputId)
  }

  info(run: RunNode<M>): RunInfo {
    return run.info(run.inputId === undefined ? undefined : this.#cancelsByInput.get(run.inputId))
  }

  /** Requests to stop the run of a prompt, by serial. */
  cancelsOf(inputId: string): readonly Row[] {
    return this.#cancelsByInput.get(inputId) ?? []
  }

  /** The oldest serial that is still expected to change; undefined when nothing is open. */
  oldestOpen(): string | undefined {
    let oldest: string | undefined
    const note = (serial: string): void => {
      if (serial && (oldest === undefined || serial < oldest)) oldest = serial
    }
    for (const row of this.#open) note(row.serial)
    for (const run of this.runs.values()) if (!run.hasEnded) note(run.sort)
    return oldest
  }

  /** Shows a prompt before the channel has it. */
  addLocal(inputId: string, rows: readonly Row[]): InputNode<M> {
    const node = this.#input(inputId)
    node.setLocal(rows)
    this.#dirty.add(node)
    return node
  }

  failLocal(inputId: string, error: { code: number; message: string }): void {
    const node = this.inputs.get(inputId)
    if (!node) return
    node.fail(error)
    this.#dirty.add(node)
  }

  /** Lets a failed prompt wait for its echo again. */
  retryLocal(inputId: string): void {
    const node = this.inputs.get(inputId)
    if (!node) return
    node.fail(undefined)
    this.#dirty.add(node)
  }

  /** Takes back a prompt that the channel never got. */
  discardLocal(inputId: string): void {
    const node = this.inputs.get(inputId)
    if (!node || node.isSent) return
    this.inputs.delete(inputId)
    this.#messageCount -= node.size
    if (this.#owners.get(inputId) === node) this.#owners.delete(inputId)
    this.#leave(new Set([node]))
  }

  #noteGrown(row: Row): void {
    if (this.#grown.at(-1) !== row) this.#grown.push(row)
  }

  #trackOpen(row: Row): void {
    if (isOpen(row)) {
      this.#open.add(row)
    } else if (this.#open.delete(row) && this.#ending.has(row.home as RunNode<M>)) {
      this.#dirty.add(row.home as RunNode<M>)
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
    if (row.transport[Header.runId] !== undefined) return this.#placeOutput(row)
    const inputId = row.transport[Header.messageId]
    if (inputId === undefined || row.transport[Header.role] !== 'user' || !this.codec.decodes(row)) return
    const node = this.#input(inputId)
    node.add(row)
    this.#claim(inputId, node, row.serial)
    this.#dirty.add(node)
  }

  /** Everything that names a run and has content: outputs, and inputs that answer into or steer a run. */
  #placeOutput(row: Row): void {
    const runId = row.transport[Header.runId]
    const messageId = row.transport[Header.messageId]
    if (runId === undefined || !this.codec.decodes(row)) return
    const node = this.#run(runId)
    node.add(row)
    if (messageId !== undefined) this.#claim(messageId, node, row.serial)
    this.#dirty.add(node)
  }

  #placeLifecycle(row: Row): void {
    const runId = row.transport[Header.runId]
    if (runId === undefined) return
    const node = this.#run(runId)
    node.addLifecycle(row)
    const stepId = row.transport[Header.stepId]
    if (row.name === MessageName.stepStart && stepId !== undefined) node.addAttempt(stepId, row.serial)
    this.#dirty.add(node)
  }

  #placeCancel(row: Row): void {
    const runId = row.transport[Header.runId]
    const inputId = row.transport[Header.inputId]
    if (runId !== undefined) {
      const node = this.#run(runId)
      node.addCancel(row)
      this.#dirty.add(node)
    } else if (inputId !== undefined) {
      const cancels = this.#cancelsByInput.get(inputId) ?? []
      insertBySerial(cancels, row)
      this.#cancelsByInput.set(inputId, cancels)
      for (const run of this.runsOf(inputId)) {
        run.touch()
        this.#dirty.add(run)
      }
      const input = this.inputs.get(inputId)
      if (input) this.#dirty.add(input)
    }
  }

  #replaced(row: Row): void {
    const node = row.home as TreeNode<M> | undefined
    if (!node) return
    node.markStale()
    this.#dirty.add(node)
  }

  #input(inputId: string): InputNode<M> {
    let node = this.inputs.get(inputId)
    if (!node) {
      node = new InputNode(inputId, this.codec, this.port)
      this.inputs.set(inputId, node)
      this.#claim(inputId, node, '\uffff')
      this.#enter(node)
    }
    return node
  }

  #run(runId: string): RunNode<M> {
    let node = this.runs.get(runId)
    if (!node) {
      node = new RunNode(runId, this.codec, this.port)
      this.runs.set(runId, node)
      this.#enter(node)
    }
    return node
  }

  #enter(node: TreeNode<M>): void {
    this.#arrived.push(node)
    this.#isSorted = false
    this.#children.add('', node)
    this.#structure = true
  }

  #claim(messageId: string, node: TreeNode<M>, serial: string): void {
    const held = this.#owners.get(messageId)
    if (!held || (held !== node && serial < held.serialOf(messageId))) this.#owners.set(messageId, node)
  }

  #settleNode(node: TreeNode<M>, transitions: RunTransition<M>[]): void {
    const { parent, size } = node
    const inputId = node instanceof RunNode ? node.inputId : undefined
    if (node.settle()) this.#structure = true
    this.#messageCount += node.size - size
    if (node.parent !== parent) {
      this.#children.remove(parent ?? '', node)
      this.#children.add(node.parent ?? '', node)
    }
    if (node instanceof RunNode) {
      if (node.inputId !== inputId) this.#answer(node, inputId)
      if (node.isEnding) this.#ending.add(node)
      else this.#ending.delete(node)
      this.#noteStatus(node, transitions)
      this.#noteUnseen(node)
    }
  }

  #noteUnseen(run: RunNode<M>): void {
    if (run.visible) this.#unseen.delete(run)
    else this.#unseen.add(run)
  }

  /** Bounds how many runs are kept of which nothing is known that could be shown. */
  #forgetUnseen(): void {
    const oldest = new Set([...this.#unseen].slice(0, this.#unseen.size - maxUnseenRuns))
    for (const run of oldest) this.#forget(run)
    this.#leave(oldest)
  }

  #forget(run: RunNode<M>): void {
    this.runs.delete(run.key)
    this.#unseen.delete(run)
    this.#statuses.delete(run)
    this.#ending.delete(run)
    if (run.inputId !== undefined) this.#runsByInput.remove(run.inputId, run)
    for (const row of run.allRows()) {
      this.log.forget(row)
      this.#open.delete(row)
      const messageId = row.transport[Header.messageId]
      if (messageId !== undefined && this.#owners.get(messageId) === run) this.#owners.delete(messageId)
    }
  }

  /** Takes nodes out of every list of nodes. */
  #leave(gone: ReadonlySet<TreeNode<M>>): void {
    this.#nodes = this.#nodes.filter((node) => !gone.has(node))
    this.#arrived = this.#arrived.filter((node) => !gone.has(node))
    for (const node of gone) {
      this.#children.remove(node.parent ?? '', node)
      this.#dirty.delete(node)
    }
    this.#structure = true
  }

  #answer(run: RunNode<M>, formerInputId: string | undefined): void {
    if (formerInputId !== undefined) this.#runsByInput.remove(formerInputId, run)
    if (run.inputId !== undefined) this.#runsByInput.add(run.inputId, run)
  }

  #noteStatus(run: RunNode<M>, transitions: RunTransition<M>[]): void {
    if (!run.visible) return
    const from = this.#statuses.get(run)
    const to = run.state.status
    if (from === to) return
    this.#statuses.set(run, to)
    transitions.push({ run, from, to })
  }
}
