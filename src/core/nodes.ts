import { AccessPolicy, type Trust } from './access'
import type { Codec } from './codec'
import { MultiMap, noItems, SortedList } from './collections'
import { Forks } from './forks'
import { InputNode } from './input-node'
import { levelOf, type Restructured, type TreeNode } from './node'
import { type Row, unsent } from './rows'
import { RunNode } from './run-node'
import { Siblings } from './siblings'
import { plainPort, type ReactivePort } from './signals'
import { Header, type Headers } from './wire'

/** A node of the tree, or the message id of an input that has no node. */
export type Subject<M extends object> = TreeNode<M> | string

/** The nodes of a conversation and their relations: which node follows, holds or answers which message. */
export abstract class Nodes<M extends object> {
  readonly inputs = new Map<string, InputNode<M>>()
  readonly runs = new Map<string, RunNode<M>>()
  /** Requests for another reply, by message id: no nodes, since they show nothing. */
  readonly requests = new Map<string, Row>()
  readonly access: AccessPolicy
  readonly forks = new Forks<M>(this.runs, (row) => this.access.canWrite(row, undefined))
  abstract readonly cancels: { of(node: TreeNode<M>): readonly Row[]; naming(inputId: string): readonly Row[] }
  /** Which nodes are versions of each other. */
  readonly siblings: Siblings<M> = new Siblings<M>(this)
  /** Nodes by the messages that they mention; the one that holds a message is the first. */
  readonly #mentions = new MultiMap<TreeNode<M>>()
  /** Nodes by the message id they follow; those without a parent under ''. */
  readonly #children = new MultiMap<TreeNode<M>>()
  readonly #edits = new MultiMap<InputNode<M>>()
  readonly #runsByInput = new MultiMap<RunNode<M>>()
  readonly #nodes = new SortedList<TreeNode<M>>({ keyOf: ({ listedAt }) => listedAt! })
  /** The run that was asked for last. */
  #latest: RunNode<M> | undefined
  /** Nodes with changed rows, and requests that have changed, to be settled. */
  protected readonly dirty = new Set<Subject<M>>()
  /** Nodes with nothing new but further content. */
  protected longer = new Set<TreeNode<M>>()
  readonly #moved = new Set<TreeNode<M>>()
  protected isRestructured = false
  /** The number of messages in all nodes, on all branches. */
  messageCount = 0

  constructor(
    readonly codec: Codec<M>,
    readonly port: ReactivePort = plainPort,
    trust: Trust = {},
  ) {
    this.access = new AccessPolicy(trust, this.runs)
  }

  /** All nodes by serial, optimistic prompts last. */
  nodes(): readonly TreeNode<M>[] {
    return this.#nodes.sorted()
  }

  /** The node that holds a message. */
  nodeOf(messageId: string): TreeNode<M> | undefined {
    return this.#mentions.first(messageId)
  }

  /** The nodes that follow a message. */
  children(messageId: string | undefined): readonly TreeNode<M>[] {
    return this.#children.of(messageId ?? '')
  }

  /** The prompts that were sent as new versions of this one. */
  editsOf(inputId: string): readonly InputNode<M>[] {
    return this.#edits.of(inputId)
  }

  /** Runs that answer a prompt, also when they follow another message; none that another client asked for. */
  runsOf(inputId: string): readonly RunNode<M>[] {
    const runs = this.#runsByInput.of(inputId)
    const isIts = (run: RunNode<M>): boolean => this.#mayAnswer(run, inputId)
    return runs.every(isIts) ? runs : runs.filter(isIts)
  }

  /** The newest visible run that answers a prompt; see {@link Nodes.runsOf}. */
  latestRunOf(inputId: string): RunNode<M> | undefined {
    return this.#runsByInput.of(inputId).findLast((run) => run.visible && this.#mayAnswer(run, inputId))
  }

  /** Whether a run answers a prompt for its own client, as far as both clients are known. */
  #mayAnswer(run: RunNode<M>, inputId: string): boolean {
    const asker = this.inputs.get(inputId)?.owner
    return asker === undefined || (run.owner ?? asker) === asker
  }

  /** Whether a node has its place on some branch. */
  isListed(node: TreeNode<M>): boolean {
    return node.visible && !node.isGone && !(node as Partial<RunNode<M>>).isSuperseded
  }

  /** The node of an input that has no run of its own yet: a prompt, or an answer that begins a run. */
  inputNode(inputId: string): TreeNode<M> | undefined {
    return this.inputs.get(inputId) ?? this.forks.placeholderRuns.get(inputId)
  }

  /** The node of a prompt, made when it is first heard of. */
  ensureInput(inputId: string): InputNode<M> {
    return this.inputs.get(inputId) ?? addTo(this.inputs, new InputNode(inputId, this))
  }

  /** The node of a run, made when it is first heard of. */
  ensureRun(runId: string): RunNode<M> {
    // NOTE: most rows are of the same run as the row before
    const latest = this.#latest
    if (latest?.key === runId && !latest.isGone) return latest
    return (this.#latest = this.runs.get(runId) ?? addTo(this.runs, new RunNode(runId, this)))
  }

  /** The placeholder for a run that answers a fork. */
  ensurePlaceholder(inputId: string): RunNode<M> {
    const { placeholderRuns } = this.forks
    return placeholderRuns.get(inputId) ?? addTo(placeholderRuns, new RunNode(inputId, this, true))
  }

  /** Notes that a node is to be settled again. */
  touch(node: TreeNode<M>): void {
    this.dirty.add(node)
  }

  /** Notes that a request for another reply is to be looked at again. */
  touchRequest(inputId: string): void {
    this.dirty.add(inputId)
    this.isRestructured = true
    this.#noteInputMoved(inputId)
  }

  /** Notes that an input stands elsewhere: a cancel that names it counts for its runs only if it came later. */
  #noteInputMoved(inputId: string): void {
    if (this.cancels.naming(inputId).length === 0) return
    for (const run of this.#runsByInput.of(inputId)) {
      run.forgetInfo()
      this.dirty.add(run)
    }
  }

  /** Notes that a run neither answers nor follows this message any more: an input may now be without a run. */
  #touchInput(inputId: string): void {
    const node = this.inputNode(inputId) ?? this.nodeOf(inputId)
    if (node) this.dirty.add(node)
    this.touchRequest(inputId)
  }

  protected removeNode(node: TreeNode<M>): void {
    this.relocate(node)
    node.isGone = true
    this.#unlist(node)
    this.#children.remove(node.parent ?? '', node)
    if (node instanceof InputNode) this.#edits.move(node, node.forkOf, undefined)
    else this.#runsByInput.move(node as RunNode<M>, (node as RunNode<M>).inputId, undefined)
    this.dirty.delete(node)
    this.messageCount -= node.size
  }

  attachRow(node: TreeNode<M>, row: Row): void {
    const messageId = node.add(row)
    if (messageId !== undefined) this.mention(messageId, node, row.serial)
    ;(node.isGoingOn ? this.longer : this.dirty).add(node)
  }

  /** Takes a row out of its node. @param headers - the headers that put it there */
  detachRow(row: Row, { [Header.messageId]: messageId }: Headers): void {
    const node = row.home as TreeNode<M>
    node.remove(row)
    row.home = undefined
    if (messageId !== undefined) this.unmention(messageId, node)
    this.dirty.add(node)
    this.isRestructured = true
  }

  /**
   * Notes that a node mentions a message. Of several nodes the one that did so at the lowest serial holds it; the nodes
   * that follow the message can thereby move.
   */
  protected mention(messageId: string, node: TreeNode<M>, serial: string): void {
    const former = this.nodeOf(messageId)
    if (former === node) return
    if (!former || !this.#mentions.of(messageId).includes(node)) this.#mentions.add(messageId, node)
    if (former && serial >= (former.serialOf(messageId) ?? unsent)) return
    if (former) this.#mentions.putFirst(messageId, node)
    this.#holderChanged(messageId, node, former)
  }

  /** Notes that a node mentions a message no more, or only later. */
  protected unmention(messageId: string, node: TreeNode<M>): void {
    const former = this.nodeOf(messageId)
    if (node.serialOf(messageId) === undefined) this.#mentions.remove(messageId, node)
    if (former !== node) return
    const at = (each: TreeNode<M>): string => each.serialOf(messageId) ?? unsent
    let holder = this.nodeOf(messageId)
    for (const each of this.#mentions.of(messageId)) if (at(each) < at(holder!)) holder = each
    if (holder === former) return
    if (holder) this.#mentions.putFirst(messageId, holder)
    this.#holderChanged(messageId, holder, former)
  }

  #holderChanged(messageId: string, holder: TreeNode<M> | undefined, former: TreeNode<M> | undefined): void {
    // NOTE: a node that shows nothing yet is relocated with its followers when it does
    if (!former && !holder?.visible && holder?.size === 0) return
    this.#relocateFollowers(messageId)
    for (const node of [holder, former]) {
      if (!node) continue
      this.relocate(node)
      // NOTE: a reply takes the place of a message inside the run that holds both
      const before = former && node.ids[node.ids.indexOf(messageId) - 1]
      if (before !== undefined) this.#relocateFollowers(before)
    }
  }

  #relocateFollowers(messageId: string): void {
    const followers = this.children(messageId)
    // NOTE: by index, because this runs for each node of a page, and other loops make objects for each step
    for (let at = 0; at < followers.length; at++) this.relocate(followers[at]!)
  }

  /** Brings a node in step with its rows, and the indexes in step with the node. */
  protected settleNode(node: TreeNode<M>): void {
    const { parent, size, seeds, visible, ids } = node
    const isKnown = node.listedAt !== undefined
    const { inputId, forkOf } = node as Partial<RunNode<M> & InputNode<M>>
    const hasMoved = node.settle()
    // NOTE: the text that its holder has, because equal texts of different rows are kept twice
    const { parent: known } = node
    const held = (known !== undefined && this.nodeOf(known)?.ids) || noItems
    if (known !== undefined) node.follow(held[held.indexOf(known)] ?? known)
    this.#noteMessages(node, size, seeds)
    this.#children.move(node, isKnown ? (parent ?? '') : undefined, node.parent ?? '')
    if (parent !== undefined && parent !== node.parent && node instanceof RunNode) this.#touchInput(parent)
    const isElsewhere = node.listedAt !== levelOf(node)
    if (isElsewhere) this.#list(node)
    if (node instanceof InputNode) {
      if (isElsewhere || size > 0 !== node.size > 0) this.#noteInputMoved(node.key)
      this.#edits.move(node, forkOf, node.forkOf)
      // NOTE: the choice of a request counts among the replies to it, that of a prompt does not
      if (!isKnown) for (const run of this.#runsByInput.of(node.key)) this.relocate(run)
    } else if ((node as RunNode<M>).inputId !== inputId) {
      this.#runsByInput.move(node as RunNode<M>, inputId, (node as RunNode<M>).inputId)
      if (inputId !== undefined) this.#touchInput(inputId)
      if (visible) this.relocate(node)
    }
    if (!hasMoved) return
    this.relocate(node)
    const hasSameIds = node.ids === ids && node.visible === visible
    // NOTE: a reply that is known already can take the place of a new message of a run
    const followed = hasSameIds ? ids.slice(Math.max(size - 1, 0)) : ids.concat(node.mentioned)
    for (let at = 0; at < followed.length; at++) this.#relocateFollowers(followed[at]!)
  }

  #list(node: TreeNode<M>): void {
    this.#unlist(node)
    node.listedAt = levelOf(node)
    this.#nodes.add(node)
  }

  #unlist(node: TreeNode<M>): void {
    if (node.listedAt !== undefined) this.#nodes.remove(node)
    node.listedAt = undefined
  }

  /** Counts the messages of a node. Those that were copied along with another one are found like all messages. */
  #noteMessages(node: TreeNode<M>, size: number, former: ReadonlyMap<string, string>): void {
    this.messageCount += node.size - size
    if (node.seeds === former) return
    for (const [id, serial] of node.seeds) this.mention(id, node, serial)
    for (const id of former.keys()) this.unmention(id, node)
  }

  /** Notes that the place of a node can be another one. */
  protected relocate(node: TreeNode<M>): void {
    this.isRestructured = true
    this.#moved.add(node)
  }

  /** The changes of the structure since the last call. */
  protected restructured(): Restructured<M> {
    for (const node of this.#moved) for (const sibling of this.siblings.update(node)) this.#moved.add(sibling)
    const change = { structure: this.isRestructured, moved: [...this.#moved] }
    this.#moved.clear()
    this.isRestructured = false
    return change
  }
}

function addTo<N extends { readonly key: string }>(nodes: Map<string, N>, node: N): N {
  nodes.set(node.key, node)
  return node
}
