import { MultiMap } from './collections'
import type { InputNode } from './input-node'
import type { Row } from './log'
import { type NodeChange, type TreeNode, bySort, unsent } from './node'
import { RunNode } from './run-node'
import { Header, type Headers } from './wire'

/** How the structure differs from how it was. */
export interface Restructured<M extends object> {
  /** Messages or nodes came, went or moved: visible lists have to be made anew. */
  structure: boolean
  /** Nodes that showed up or got more messages, when the structure differs by nothing else. */
  moved?: readonly TreeNode<M>[]
}

/** The nodes of a conversation and how they hang together: who follows whom, holds which message, answers what. */
export abstract class Nodes<M extends object> {
  readonly inputs = new Map<string, InputNode<M>>()
  readonly runs = new Map<string, RunNode<M>>()
  readonly #messages = new MessageIndex<M>()
  /** Children by the message id they follow; those without a parent under ''. */
  readonly #children = new MultiMap<TreeNode<M>>()
  readonly #runsByInput = new MultiMap<RunNode<M>>()
  readonly #nodes = new NodeList<M>()
  /** Nodes that rows came to or went from, to be settled. */
  protected readonly dirty = new Set<TreeNode<M>>()
  /** Whether the structure is different. */
  protected isRestructured = false
  /** Whether it differs by more than that nodes showed up or got more messages. */
  #isRearranged = false
  #moved: TreeNode<M>[] = []
  /** How often the structure has changed. */
  version = 0
  /** How many messages all nodes have together, whatever the branch. */
  messageCount = 0

  /** All nodes in sort order: by serial, optimistic prompts last. */
  nodes(): readonly TreeNode<M>[] {
    return this.#nodes.sorted()
  }

  /** The node that holds a message. */
  nodeOf(messageId: string): TreeNode<M> | undefined {
    return this.#messages.holderOf(messageId)
  }

  children(messageId: string | undefined): readonly TreeNode<M>[] {
    return this.#children.of(messageId ?? '')
  }

  /** Runs that answer a prompt, whether or not it is the message they follow; none that somebody else asked for. */
  runsOf(inputId: string): readonly RunNode<M>[] {
    const runs = this.#runsByInput.of(inputId)
    const asker = this.inputs.get(inputId)?.owner
    const isIts = ({ owner = asker }: RunNode<M>): boolean => asker === undefined || owner === asker
    return runs.every(isIts) ? runs : runs.filter(isIts)
  }

  /** One of these nodes, made when it is first spoken of. */
  protected nodeIn<N extends TreeNode<M>>(nodes: Map<string, N>, key: string, make: () => N): N {
    let node = nodes.get(key)
    if (!node) {
      nodes.set(key, (node = make()))
      this.#nodes.add(node)
      this.#children.add('', node)
      this.isRestructured = true
    }
    return node
  }

  /** Takes nodes out of every list of nodes. */
  protected removeNodes(gone: ReadonlySet<TreeNode<M>>): void {
    this.#nodes.remove(gone)
    for (const node of gone) {
      this.#children.remove(node.parent ?? '', node)
      this.dirty.delete(node)
      this.messageCount -= node.size
      if (node instanceof RunNode) this.#answer(undefined, node, node.inputId)
    }
    this.rearrange()
  }

  protected attachRow(node: TreeNode<M>, row: Row): void {
    const messageId = row.transport[Header.messageId]
    node.add(row)
    if (messageId !== undefined) this.mention(messageId, node, row.serial)
    this.dirty.add(node)
  }

  /** Takes out of its node what said this. */
  protected detachRow(row: Row, { [Header.messageId]: messageId }: Headers): void {
    const node = row.home as TreeNode<M>
    node.remove(row)
    row.home = undefined
    if (messageId !== undefined) this.unmention(messageId, node)
    this.dirty.add(node)
    this.rearrange()
  }

  /** Notes who holds a message; whoever follows it may thereby stand elsewhere. */
  protected mention(messageId: string, node: TreeNode<M>, serial: string): void {
    const former = this.nodeOf(messageId)
    this.#messages.add(messageId, node, serial)
    if (this.nodeOf(messageId) === former) return
    if (former || this.children(messageId).length > 0) this.rearrange()
    // NOTE: a request for another reply may be waiting for the message that it follows
    this.isRestructured = true
  }

  protected unmention(messageId: string, node: TreeNode<M>): void {
    this.#messages.drop(messageId, node)
  }

  /** Brings a node in step with its rows, and what is known of its place with the node. */
  protected settleNode(node: TreeNode<M>): void {
    const { parent, size, seeds, visible } = node
    const inputId = node instanceof RunNode ? node.inputId : undefined
    this.#noteChange(node, node.settle())
    this.messageCount += node.size - size
    if (node.seeds !== seeds || node.seeds.size > 0) this.#noteSeeds(node, seeds)
    if (node.parent !== parent) {
      this.#children.remove(parent ?? '', node)
      this.#children.add(node.parent ?? '', node)
    }
    if (!(node instanceof RunNode) || node.inputId === inputId) return
    this.#answer(node.inputId, node, inputId)
    if (visible) this.rearrange()
  }

  #noteChange(node: TreeNode<M>, change: NodeChange): void {
    if (change === 'none') return
    this.isRestructured = true
    this.#moved.push(node)
    if (change === 'moved') this.rearrange()
  }

  /** Messages that came along with others are found like all messages. */
  #noteSeeds(node: TreeNode<M>, former: ReadonlyMap<string, string>): void {
    for (const [id, serial] of node.seeds) this.#messages.add(id, node, serial)
    if (node.seeds !== former) for (const id of former.keys()) this.unmention(id, node)
    this.rearrange()
  }

  #answer(inputId: string | undefined, run: RunNode<M>, former: string | undefined): void {
    if (former !== undefined) this.#runsByInput.remove(former, run)
    if (inputId !== undefined) this.#runsByInput.add(inputId, run)
  }

  protected rearrange(): void {
    this.isRestructured = this.#isRearranged = true
  }

  /** What is different since this was asked last. */
  protected restructured(): Restructured<M> {
    if (!this.isRestructured) return { structure: false }
    this.version++
    this.#nodes.touch()
    const moved = this.#isRearranged ? undefined : this.#moved
    this.#moved = []
    this.isRestructured = this.#isRearranged = false
    return { structure: true, moved }
  }
}

/** Nodes in sort order, sorted when somebody asks. */
export class NodeList<M extends object> {
  #nodes: readonly TreeNode<M>[] = []
  #arrived: TreeNode<M>[] = []
  #isSorted = true

  add(node: TreeNode<M>): void {
    this.#arrived.push(node)
    this.#isSorted = false
  }

  remove(gone: ReadonlySet<TreeNode<M>>): void {
    this.#nodes = this.#nodes.filter((node) => !gone.has(node))
    this.#arrived = this.#arrived.filter((node) => !gone.has(node))
  }

  /** Something moved. */
  touch(): void {
    this.#isSorted = false
  }

  /** A new array whenever nodes came, went or moved. */
  sorted(): readonly TreeNode<M>[] {
    if (!this.#isSorted) {
      // NOTE: almost sorted already, which makes it cheap
      this.#nodes = [...this.#nodes, ...this.#arrived.splice(0)].toSorted(bySort)
      this.#isSorted = true
    }
    return this.#nodes
  }
}

/** Which node holds a message; of several that mention it, the one that did so at the lowest serial. */
export class MessageIndex<M extends object> {
  readonly #holders = new Map<string, TreeNode<M>>()
  /** Nodes that mention a message somebody else holds. */
  readonly #others = new MultiMap<TreeNode<M>>()

  holderOf(messageId: string): TreeNode<M> | undefined {
    return this.#holders.get(messageId)
  }

  /** A node mentions a message, at this serial. */
  add(messageId: string, node: TreeNode<M>, serial: string): void {
    const holder = this.#holders.get(messageId)
    if (holder === node) return
    if (!holder) return void this.#holders.set(messageId, node)
    const isLower = serial < (holder.serialOf(messageId) ?? unsent)
    if (isLower) {
      this.#holders.set(messageId, node)
      this.#others.remove(messageId, node)
    }
    const loser = isLower ? holder : node
    if (!this.#others.of(messageId).includes(loser)) this.#others.add(messageId, loser)
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
