import type { Trust } from './access'
import { Cancels } from './cancels'
import type { Codec } from './codec'
import { noItems } from './collections'
import { isUnsettled, Log } from './log'
import type { Restructured, TreeNode } from './node'
import { Nodes, type Subject } from './nodes'
import { Placement } from './placement'
import { type Row, unsent } from './rows'
import { RunNode } from './run-node'
import type { RunStatus } from './run-state'
import type { ReactivePort } from './signals'
import type { ChannelMessage } from './wire'

/** A change of one run's status, told once. */
export interface RunTransition<M extends object> {
  run: RunNode<M>
  from: RunStatus | undefined
  to: RunStatus
}

/** The changes since the last `settle()`. */
export interface Settled<M extends object> extends Restructured<M> {
  /**
   * What got or lost rows, or was cancelled: runs, prompts, and requests for another reply. No run that only goes on
   * with its messages.
   */
  changed: readonly Subject<M>[]
  transitions: readonly RunTransition<M>[]
}

const nothing: Settled<never> = { structure: false, moved: noItems, changed: noItems, transitions: noItems }

/**
 * A conversation as nodes made from channel rows: an input per prompt, a run per reply. `apply` puts rows into nodes;
 * `settle` derives the rest of the state. Neither depends on the order in which different messages arrive.
 */
export class Tree<M extends object> extends Nodes<M> {
  readonly log: Log
  readonly cancels: Cancels<M>
  readonly #placement: Placement<M>
  /** Rows of which more is expected; a repair has to read back to the oldest of them. */
  readonly #open = new Set<Row>()

  /** Rows that got longer. */
  #grown = new Set<Row>()
  readonly #ending = new Map<RunNode<M>, number>()
  readonly #unseen = new UnseenRuns<M>()
  /** The number of own prompts. */
  #sent = 0

  constructor(codec: Codec<M>, port?: ReactivePort, trust: Trust = {}) {
    super(codec, port, trust)
    this.log = new Log(trust.isAgent)
    this.cancels = new Cancels(this, this.log)
    this.#placement = new Placement(this, this.cancels, trust.isAgent !== undefined)
  }

  /**
   * Takes in one channel message. Returns its row, which the tree may not keep; undefined when it is foreign, malformed
   * or nothing new.
   */
  apply(message: ChannelMessage): Row | undefined {
    const change = this.log.apply(message)
    if (!change) return undefined
    const { row, kind } = change
    if (isUnsettled(row)) this.#open.add(row)
    else if (kind !== 'added') this.#close(row)
    if (kind === 'grew') {
      this.#grown.add(row)
    } else {
      if (kind === 'replaced') this.#placement.remove(row, change.before)
      // NOTE: deleted messages are treated as never received
      if (!row.deleted) this.#placement.add(row)
    }
    return row
  }

  /**
   * Brings nodes in step with their rows.
   *
   * @param isLive - false after a page of history: text that history does not have is not on its way
   */
  settle(isLive = true): Settled<M> {
    const [grown, longer] = [this.#grown, this.longer]
    // NOTE: to empty sets that are old takes longer than all else that is done for a token
    this.#grown = new Set()
    this.longer = new Set()
    for (const row of grown) this.#grow(row)
    for (const node of longer) this.#goOn(node)
    // NOTE: for most tokens this is all, so nothing is made for them
    return this.dirty.size > 0 || this.isRestructured ? this.#settleNodes(isLive) : nothing
  }

  #grow(row: Row): void {
    const node = row.home as TreeNode<M> | undefined
    if (!node) return
    const isDone = node.grow(row)
    // NOTE: late text can contain the tool call that a suspended run waits for, and forks start with copies of it
    if (!isDone || (node instanceof RunNode && node.state.status !== 'active')) this.dirty.add(node)
  }

  /** Follows a node that has further content. */
  #goOn(node: TreeNode<M>): void {
    // NOTE: forks start with copies of the content, and a cancel waits for the agent to fall silent
    const isWatched = this.forks.areOf(node as RunNode<M>) || this.cancels.of(node).length > 0
    if (!node.isGoingOn || isWatched) this.dirty.add(node)
    else this.settleNode(node)
  }

  #settleNodes(isLive: boolean): Settled<M> {
    const changed: Subject<M>[] = []
    const transitions: RunTransition<M>[] = []
    // NOTE: settling can add nodes to this list: a run takes the rows of its fork, or ends without the rest of its text
    for (const subject of this.dirty) {
      this.dirty.delete(subject)
      changed.push(subject)
      if (typeof subject === 'string') continue
      this.settleNode(subject)
      const transition = subject instanceof RunNode && this.#settleRun(subject, isLive)
      if (transition) transitions.push(transition)
    }
    for (const run of this.#unseen.takeSurplus()) this.#forget(run)
    return { ...this.restructured(), changed, transitions }
  }

  /** Keeps the rows of nodes in little room; a node of which more is to be expected stays as it is. */
  compact(nodes: readonly TreeNode<M>[]): void {
    for (const node of nodes) {
      if (node.isGone || this.dirty.has(node)) continue
      const packed = node.compact(this.log)
      // NOTE: no more text is expected in a run that has ended
      if (node instanceof RunNode) for (const row of packed) this.#open.delete(row)
    }
  }

  /**
   * Runs with an end but incomplete text, and the time when the end arrived: later messages can overtake appends. Such
   * a run counts as active until the text is complete, or until `endOverdue()`.
   */
  get ending(): ReadonlyMap<RunNode<M>, number> {
    return this.#ending
  }

  /** Ends runs whose end has arrived although some of their streams are open. */
  endOverdue(isOver: (run: RunNode<M>, since: number) => boolean = () => true): void {
    for (const [run, since] of this.ending) if (isOver(run, since)) this.#end(run)
  }

  #end(run: RunNode<M>): void {
    run.endNow()
    this.dirty.add(run)
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
    for (const run of this.runs.values()) if (!run.hasEnded && !this.forks.isSuperseded(run)) note(run.serial)
    return oldest
  }

  /** The serial up to which no row is missing or open: a reader that missed messages reads back to here. */
  resumePoint(): string {
    const { newest } = this.log
    const open = this.oldestOpen() ?? newest
    return open < newest ? open : newest
  }

  /** Shows a prompt before the channel has it. */
  addLocal(inputId: string, rows: readonly Row[]): void {
    const node = this.ensureInput(inputId)
    node.unsentLevel ??= `${unsent}${String(++this.#sent).padStart(9, '0')}`
    node.setLocal(rows)
    this.mention(inputId, node, node.serial)
    this.dirty.add(node)
  }

  /** Shows why a prompt could not be sent; without an error it waits for its echo again. */
  setLocalError(inputId: string, error?: { code: number; message: string }): void {
    const node = this.inputs.get(inputId)
    if (!node) return
    node.fail(error)
    this.dirty.add(node)
    // NOTE: others may show in its place
    this.relocate(node)
  }

  /** Takes back a prompt that the channel never got. */
  discardLocal(inputId: string): void {
    const node = this.inputs.get(inputId)
    if (!node || node.isSent) return
    this.inputs.delete(inputId)
    this.unmention(inputId, node)
    this.removeNode(node)
  }

  #close(row: Row): void {
    const run = row.home
    this.#open.delete(row)
    // NOTE: forks start with copies of what the run has said
    if (run instanceof RunNode && (this.#ending.has(run) || this.forks.areOf(run))) this.dirty.add(run)
  }

  #settleRun(run: RunNode<M>, isLive: boolean): RunTransition<M> | undefined {
    if (run.inputId !== undefined) this.#placement.adoptFork(run.inputId)
    if (this.access.isGuarded) this.#rereadForksOf(run)
    for (const fork of this.forks.outdatedBy(run)) this.dirty.add(fork)
    const isSuperseded = this.forks.isSuperseded(run)
    if (isSuperseded !== run.isSuperseded) {
      run.isSuperseded = isSuperseded
      this.relocate(run)
    }
    if (!run.isPlaceholder || !run.isEmpty) return this.#transitionOf(run, isLive)
    // NOTE: the run that answers the fork has been heard of and has its rows now
    this.#forget(run)
    return undefined
  }

  /** Reads again the forks that start with copies of a run, or replace it. */
  #rereadForksOf(run: RunNode<M>): void {
    if (!run.takeNewToForks()) return
    for (const fork of this.forks.replacing(run)) {
      this.isRestructured = true
      // NOTE: in one direction only, since runs may claim to take each other's place
      if (fork === run || fork.serial < run.serial) continue
      fork.reread()
      this.dirty.add(fork)
    }
  }

  /** The change of a run's status since the last time. */
  #transitionOf(run: RunNode<M>, isLive: boolean): RunTransition<M> | undefined {
    if (!run.isEnding) this.#ending.delete(run)
    else if (!this.#ending.has(run)) {
      this.#ending.set(run, Date.now())
      if (!isLive) this.#end(run)
    }
    if (run.visible) this.#unseen.delete(run)
    else this.#unseen.add(run)
    const from = run.lastStatus
    const to = run.state.status
    if (from === to || !run.visible || run.isPlaceholder) return undefined
    run.lastStatus = to
    return { run, from, to }
  }

  #forget(run: RunNode<M>): void {
    if (run.isPlaceholder) this.forks.placeholderRuns.delete(run.key)
    else this.runs.delete(run.key)
    this.#ending.delete(run)
    this.#unseen.delete(run)
    for (const row of run.rows.slice()) {
      this.log.forget(row)
      this.#open.delete(row)
      this.#placement.remove(row, row.transport)
    }
    this.removeNode(run)
  }
}

/** How many are kept of one client. */
const maxOfClient = 1000

/**
 * Runs that have nothing to show yet: other messages may follow, or a client has invented them. They are bounded for
 * each client, so that a flood by one client drops no answer of another one whose run is further back in history.
 */
class UnseenRuns<M extends object> {
  /** By the client that has named them first; oldest first. */
  readonly #byClient = new Map<string | undefined, Set<RunNode<M>>>()
  /** The set that a run is in. */
  readonly #setOf = new WeakMap<RunNode<M>, Set<RunNode<M>>>()
  readonly #overfull = new Set<Set<RunNode<M>>>()

  add(run: RunNode<M>): void {
    const clientId = run.rows[0]?.clientId
    let runs = this.#setOf.get(run) ?? this.#byClient.get(clientId)
    if (!runs) this.#byClient.set(clientId, (runs = new Set()))
    this.#setOf.set(run, runs.add(run))
    if (runs.size > maxOfClient) this.#overfull.add(runs)
  }

  delete(run: RunNode<M>): void {
    this.#setOf.get(run)?.delete(run)
    this.#setOf.delete(run)
  }

  /** Takes out the oldest runs of each client that has too many. */
  takeSurplus(): RunNode<M>[] {
    const surplus = [...this.#overfull].flatMap((runs) => [...runs].slice(0, -maxOfClient))
    this.#overfull.clear()
    for (const run of surplus) this.delete(run)
    return surplus
  }
}
