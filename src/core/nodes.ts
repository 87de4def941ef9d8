import { MultiMap, SortedList } from './collections'
import { InputNode } from './input-node'
import { unsent, type Row } from './row'
import { levelOf, type TreeNode } from './node'
import { RunNode } from './run-node'
import { Header, type Headers } from './wire'

/** A node of the tree, or the message id of an input that has no node. */
export type Subject<M extends object> = TreeNode<M> | string

/** How the structure of the tree has changed. */
export interface Restructured<M extends object> {
  /** Whether nodes or messages were added, removed or moved. */
  structure: boolean
  /** The nodes that can have another place on a branch now. */
  moved: readonly TreeNode<M>[]
}

/** The nodes of a conversation and their relations: which node follows, holds or answers which message. */
export abstract class Nodes<M extends object> {
  readonly inputs = new Map<string, InputNode<M>>()
  readonly runs = new Map<string, RunNode<M>>()
  readonly #messages = new MessageIndex<M>()
  /** Nodes by the message id they follow; those without a parent under ''. */
  readonly #children = new MultiMap<TreeNode<M>>()
  readonly #edits = new MultiMap<InputNode<M>>()
  readonly #runsByInput = new MultiMap<RunNode<M>>()
  readonly #nodes = new SortedList<TreeNode<M>>({ keyOf: ({ listedAt }) => listedAt! })
  /** Nodes with changed rows, and requests that have changed, to be settled. */
  protected readonly dirty = new Set<Subject<M>>()
  readonly #moved = new Set<TreeNode<M>>()
  /** Whether anything about the structure has changed. */
  protected isRestructured = false
  /** The number of messages in all nodes, on all branches. */
  messageCount = 0

  /** All nodes by serial, optimistic prompts last. */
  nodes(): readonly TreeNode<M>[] {
    return this.#nodes.sorted()
  }

  /** The node that holds a message. */
  nodeOf(messageId: string): TreeNode<M> | undefined {
    return this.#messages.holderOf(messageId)
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
    const asker = runs.length > 0 ? this.inputs.get(inputId)?.owner : undefined
    const isIts = ({ owner = asker }: RunNode<M>): boolean => asker === undefined || owner === asker
    return runs.every(isIts) ? runs : runs.filter(isIts)
  }

  /** The newest visible run that answers a prompt; see {@link Nodes.runsOf}. */
  latestRunOf(inputId: string): RunNode<M> | undefined {
    const runs = this.#runsByInput.of(inputId)
    const asker = runs.length > 0 ? this.inputs.get(inputId)?.owner : undefined
    return runs.findLast(({ owner = asker, visible }) => visible && (asker === undefined || owner === asker))
  }

  /** Whether a node has its place on some branch. */
  isListed(node: TreeNode<M>): boolean {
    return node.visible && !node.isGone && !(node as Partial<RunNode<M>>).isSuperseded
  }

  /** Notes that a node, and those that may show in its place, can stand elsewhere. */
  protected abstract relocateSiblings(node: TreeNode<M>): void

  /** Notes that a node has left the siblings that follow this message, or those of another prompt there. */
  protected abstract leaveSiblings(parent: string | undefined): void

  /**
   * Notes that a run neither answers nor follows the message with this id any more: an input may now be without a run.
   */
  protected abstract touchInput(inputId: string): void

  protected removeNode(node: TreeNode<M>): void {
    this.relocateSiblings(node)
    node.isGone = true
    this.#unlist(node)
    this.#children.remove(node.parent ?? '', node)
    if (node instanceof InputNode) this.#noteEdit(node, node.forkOf, undefined)
    else this.#answer(undefined, node as RunNode<M>, (node as RunNode<M>).inputId)
    this.dirty.delete(node)
    this.messageCount -= node.size
  }

  protected attachRow(node: TreeNode<M>, row: Row): void {
    const messageId = node.add(row)
    if (messageId !== undefined) this.mention(messageId, node, row.serial)
    this.dirty.add(node)
  }

  /** Takes a row out of its node. @param headers - the headers that put it there */
  protected detachRow(row: Row, { [Header.messageId]: messageId }: Headers): void {
    const node = row.home as TreeNode<M>
    node.remove(row)
    row.home = undefined
    if (messageId !== undefined) this.unmention(messageId, node)
    this.dirty.add(node)
    this.isRestructured = true
  }

  /** Notes that a node mentions a message; the nodes that follow the message can thereby move. */
  protected mention(messageId: string, node: TreeNode<M>, serial: string): void {
    const former = this.nodeOf(messageId)
    if (former === node) return
    const holder = this.#messages.add(messageId, node, serial, former)
    if (holder !== former) this.#holderChanged(messageId, holder, former)
  }

  protected unmention(messageId: string, node: TreeNode<M>): void {
    const former = this.nodeOf(messageId)
    this.#messages.drop(messageId, node)
    const holder = this.nodeOf(messageId)
    if (holder !== former) this.#holderChanged(messageId, holder, former)
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
    for (const node of this.children(messageId)) this.relocate(node)
  }

  /** Brings a node in step with its rows, and the indexes in step with the node. */
  protected settleNode(node: TreeNode<M>): void {
    const { parent, size, seeds, visible, ids, replacesId } = node
    const isKnown = node.listedAt !== undefined
    const { inputId, forkOf } = node as Partial<RunNode<M> & InputNode<M>>
    const hasMoved = node.settle()
    this.messageCount += node.size - size
    if (node.seeds !== seeds || node.seeds.size > seeds.size) this.#noteSeeds(node, seeds)
    if (node.parent !== parent || !isKnown) {
      if (isKnown) this.#children.remove(parent ?? '', node)
      this.#children.add(node.parent ?? '', node)
      if (parent !== undefined && node instanceof RunNode) this.touchInput(parent)
    }
    if (node.listedAt !== levelOf(node)) this.#list(node)
    if (node instanceof InputNode) {
      this.#noteEdit(node, forkOf, node.forkOf)
      // NOTE: the choice of a request counts among the replies to it, that of a prompt does not
      if (!isKnown) for (const run of this.#runsByInput.of(node.key)) this.relocate(run)
    } else if ((node as RunNode<M>).inputId !== inputId) {
      this.#answer((node as RunNode<M>).inputId, node as RunNode<M>, inputId)
      if (inputId !== undefined) this.touchInput(inputId)
      if (visible) this.relocate(node)
    }
    if (!hasMoved) return
    this.relocate(node)
    if (visible && (node.parent !== parent || node.replacesId !== replacesId)) this.leaveSiblings(parent)
    const isOther = node.ids !== ids
    if (isOther) for (const id of ids) this.#relocateFollowers(id)
    if (node.visible !== visible) this.#visibilityChanged(node)
    else if (isOther) for (const id of node.ids) this.#relocateFollowers(id)
    else if (node.size > size) this.#noteGrowth(node, size)
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

  /** The nodes that follow a node move with it; without it, one of its siblings shows. */
  #visibilityChanged(node: TreeNode<M>): void {
    for (const id of node.mentioned) this.#relocateFollowers(id)
    if (!node.visible) this.relocateSiblings(node)
  }

  /** A reply that is known already can take the place of a new message of a run. */
  #noteGrowth({ ids }: TreeNode<M>, size: number): void {
    for (let at = size || 1; at < ids.length; at++) {
      const replaces = (child: TreeNode<M>): boolean => child instanceof RunNode && child.regenerates === ids[at]
      const before = ids[at - 1]
      if (before !== undefined && this.children(before).some(replaces)) this.#relocateFollowers(before)
    }
  }

  #noteEdit(node: InputNode<M>, former: string | undefined, target: string | undefined): void {
    if (former === target) return
    if (former !== undefined) this.#edits.remove(former, node)
    if (target !== undefined) this.#edits.add(target, node)
  }

  /** Messages that were copied along with another one are found like all messages. */
  #noteSeeds(node: TreeNode<M>, former: ReadonlyMap<string, string>): void {
    for (const [id, serial] of node.seeds) this.mention(id, node, serial)
    if (node.seeds !== former) for (const id of former.keys()) this.unmention(id, node)
  }

  #answer(inputId: string | undefined, run: RunNode<M>, former: string | undefined): void {
    if (former !== undefined) this.#runsByInput.remove(former, run)
    if (inputId !== undefined) this.#runsByInput.add(inputId, run)
  }

  /** Notes that the place of a node can be another one. */
  protected relocate(node: TreeNode<M>): void {
    this.isRestructured = true
    this.#moved.add(node)
  }

  /** The changes of the structure since the last call. */
  protected restructured(): Restructured<M> {
    const change = { structure: this.isRestructured, moved: [...this.#moved] }
    this.#moved.clear()
    this.isRestructured = false
    return change
  }
}

/** Which node holds a message; of several that mention it, the one that did so at the lowest serial. */
class MessageIndex<M extends object> {
  readonly #holders = new Map<string, TreeNode<M>>()
  /** Nodes that mention a message that another node holds. */
  readonly #others = new MultiMap<TreeNode<M>>()

  holderOf(messageId: string): TreeNode<M> | undefined {
    return this.#holders.get(messageId)
  }

  /**
   * A node mentions a message, at this serial, that another one may hold. Returns the node that holds the message then.
   */
  add(messageId: string, node: TreeNode<M>, serial: string, holder = this.holderOf(messageId)): TreeNode<M> {
    if (!holder) this.#holders.set(messageId, node)
    if (!holder || holder === node) return node
    const isLower = serial < (holder.serialOf(messageId) ?? unsent)
    if (isLower) {
      this.#holders.set(messageId, node)
      this.#others.remove(messageId, node)
    }
    const loser = isLower ? holder : node
    if (!this.#others.of(messageId).includes(loser)) this.#others.add(messageId, loser)
    return isLower ? node : holder
  }

  /** A node mentions a message no more, or only later. */
  drop(messageId: string, node: TreeNode<M>): void {
    const isMentioned = node.serialOf(messageId) !== undefined
    if (!isMentioned) this.#others.remove(messageId, node)
    if (this.#holders.get(messageId) !== node) return
    const candidates = [...(isMentioned ? [node] : []), ...this.#others.of(messageId)]
    const at = (each: TreeNode<M>): string => each.serialOf(messageId) ?? unsent
    const next = candidates.reduce((low, each) => (at(each) < at(low) ? each : low), candidates[0]!)
    if (!next) return void this.#holders.delete(messageId)
    this.#holders.set(messageId, next)
    this.#others.remove(messageId, next)
    if (isMentioned && next !== node) this.#others.add(messageId, node)
  }
}
