import { selectionOf, type Choices } from './siblings'
import { bySort, levelOf, unsent, type TreeNode } from './node'
import { RunNode } from './run-node'
import type { InputNode } from './input-node'
import { sameItems } from './collections'
import type { Tree } from './tree'

/** A node on a branch with those of its messages that show. */
export interface PathSegment<M extends object> {
  readonly node: TreeNode<M>
  readonly ids: readonly string[]
  /** The highest sort up to here: what stands behind a later node belongs to it, wherever it sorts. */
  readonly level: string
}

/** Where inside a run the branch goes on with another reply instead. */
interface InlineReplacement<M extends object> {
  readonly index: number
  readonly reply: RunNode<M>
}

/**
 * Walks all nodes in sort order and keeps those on the chosen branch: a node whose parent is known must follow it on
 * the path, and of several alternatives only the selected one stays.
 */
export const walk = <M extends object>(tree: Tree<M>, choices: Choices): readonly PathSegment<M>[] =>
  new BranchWalk(tree, choices).path

/** See {@link walk}. What comes at the end of a branch is followed without walking all of it again. */
export class BranchWalk<M extends object> {
  readonly #path: PathSegment<M>[] = []
  readonly #placed = new Set<TreeNode<M>>()
  readonly #waiting = new Map<TreeNode<M>, TreeNode<M>[]>()
  /** Messages of runs on the path whose place a reply inside the run has taken. */
  readonly #dropped = new Set<string>()
  readonly #selected = new Map<readonly TreeNode<M>[], TreeNode<M>>()
  #version: number
  #visited = 0

  constructor(
    private readonly tree: Tree<M>,
    private readonly choices: Choices,
    /** Whether it is made step by step, by `advance`, instead of at once. */
    isStepwise = false,
  ) {
    this.#version = tree.version
    if (!isStepwise) this.advance(Infinity)
  }

  /** Visits some more nodes; false when there are no more. */
  advance(count: number): boolean {
    const nodes = this.tree.nodes()
    for (let end = this.#visited + count; this.#visited < end && this.#visited < nodes.length;) {
      const node = nodes[this.#visited++]!
      if (this.tree.isListed(node)) this.#visit(node)
    }
    return this.#visited < nodes.length
  }

  get path(): readonly PathSegment<M>[] {
    return this.#path
  }

  has(node: TreeNode<M>): boolean {
    return this.#placed.has(node)
  }

  /** Whether the path is that of the tree as it is. */
  get isCurrent(): boolean {
    return this.#version === this.tree.version
  }

  /**
   * Goes on with what the tree settled last, where walking all of it again would come to the same: it tells whether only
   * the end of the path is different. When it is undefined, this walk is of no more use.
   */
  follow(moved: readonly TreeNode<M>[] | undefined): 'end' | 'inside' | undefined {
    if (!moved || this.#version !== this.tree.version - 1) return undefined
    this.#selected.clear()
    const changes = [...new Set(moved)]
      .toSorted(bySort)
      .map((node) => (this.#placed.has(node) ? this.#grow(node) : this.#goOn(node)))
    if (changes.includes(undefined)) return undefined
    this.#version = this.tree.version
    return changes.includes('inside') ? 'inside' : 'end'
  }

  /** A node that is not on the path: the walk has visited all others that count, and nobody's place depends on it. */
  #goOn(node: TreeNode<M>): 'end' | undefined {
    if (!node.visible) return 'end'
    const parent = this.#parentOf(node)
    const isLast = levelOf(node) > (this.#path.at(-1)?.level ?? '') && (!parent || this.#placed.has(parent))
    const isFollowed = [...node.mentioned()].some((id) => this.tree.children(id).length > 0)
    if (!isLast || isFollowed || !this.tree.isListed(node) || !this.#isAlone(node)) return undefined
    this.#visit(node)
    return 'end'
  }

  /** Whether nothing can stand in place of a node, and it in place of nothing. */
  #isAlone(node: TreeNode<M>): boolean {
    const isRun = node instanceof RunNode
    if ((isRun ? node.regenerates : (node as InputNode<M>).forkOf) !== undefined) return false
    const isBeside = (other: TreeNode<M>): boolean =>
      other !== node && (isRun ? other instanceof RunNode : (other as Partial<InputNode<M>>).forkOf === node.key)
    return !this.tree.children(node.parent).some(isBeside)
  }

  /** A node on the path has got more messages, or its serial. */
  #grow(node: TreeNode<M>): 'end' | 'inside' | undefined {
    const at = this.#path.findLastIndex((stretch) => stretch.node === node)
    const { ids: held, level } = this.#path[at]!
    const ids = [...node.messageIds()]
    const before = this.#path[at - 1]?.level ?? ''
    const isLast = at === this.#path.length - 1
    const isSent = level === unsent && node.sort !== ''
    const isInPlace = level !== unsent || (levelOf(node) > before && (!isSent || (isLast && this.#isAlone(node))))
    if (!isInPlace || this.#turnIn(ids) || !sameItems(held, ids.slice(0, held.length))) return undefined
    this.#path[at] = { node, ids, level: higher(before, levelOf(node)) }
    return isLast ? 'end' : 'inside'
  }

  // NOTE: a child can sort before its parent (clocks of two sites), so it waits until the parent is placed; what waits
  // for ever hangs under a branch that is not chosen, or in a circle
  #visit(first: TreeNode<M>): void {
    const queue = [first]
    for (const node of queue) {
      const parent = this.#parentOf(node)
      if (parent && !this.#placed.has(parent)) this.#wait(parent, node)
      else if (this.#shows(node)) queue.push(...this.#place(node))
    }
  }

  #parentOf(node: TreeNode<M>): TreeNode<M> | undefined {
    const parent = node.parent === undefined ? undefined : this.tree.nodeOf(node.parent)
    return parent?.visible ? parent : undefined
  }

  #wait(parent: TreeNode<M>, node: TreeNode<M>): void {
    const others = this.#waiting.get(parent)
    if (others) others.push(node)
    else this.#waiting.set(parent, [node])
  }

  #shows(node: TreeNode<M>): boolean {
    if (node.parent !== undefined && this.#dropped.has(node.parent)) return false
    if (this.tree.siblings.hostOf(node)) return false
    const members = this.tree.siblings.of(node)
    return members.length === 1 || this.#selectionOf(members) === node
  }

  #selectionOf(members: readonly TreeNode<M>[]): TreeNode<M> {
    const known = this.#selected.get(members)
    if (known) return known
    const keys = members.map(({ key }) => key)
    const selected = members[selectionOf(this.tree, keys, this.choices)]!
    this.#selected.set(members, selected)
    return selected
  }

  /** Puts a node on the path, and the replies that go on from inside it; answers with those who waited for them. */
  #place(first: TreeNode<M>): TreeNode<M>[] {
    const released: TreeNode<M>[] = []
    for (let node: TreeNode<M> | undefined = first; node;) {
      const ids: string[] = [...node.messageIds()]
      const turn: InlineReplacement<M> | undefined = node instanceof RunNode ? this.#turnIn(ids) : undefined
      const level = higher(this.#path.at(-1)?.level ?? '', levelOf(node))
      this.#path.push({ node, ids: turn ? ids.slice(0, turn.index) : ids, level })
      if (turn) for (const id of ids.slice(turn.index)) this.#dropped.add(id)
      this.#placed.add(node)
      for (const child of this.#waiting.get(node) ?? []) released.push(child)
      this.#waiting.delete(node)
      node = turn?.reply
    }
    return released
  }

  #turnIn(ids: readonly string[]): InlineReplacement<M> | undefined {
    for (let index = 1; index < ids.length; index++) {
      const replies = this.tree.siblings.inside(ids[index - 1]!, ids[index]!)
      if (replies.length === 0) continue
      const keys = [ids[index]!, ...replies.map(({ key }) => key)]
      const reply = replies[selectionOf(this.tree, keys, this.choices) - 1]
      if (reply) return { index, reply }
    }
    return undefined
  }
}

const higher = (a: string, b: string): string => (a > b ? a : b)
