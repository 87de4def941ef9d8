import { Alternatives, selectionOf, type Choices } from './alternatives'
import type { TreeNode } from './node'
import { RunNode } from './run-node'
import type { Tree } from './tree'

/** A node on a branch with those of its messages that show. */
export interface Stretch<M extends object> {
  readonly node: TreeNode<M>
  readonly ids: readonly string[]
}

/** Where inside a run the branch goes on with another reply instead. */
interface Turn<M extends object> {
  readonly index: number
  readonly reply: RunNode<M>
}

/**
 * Walks all nodes in sort order and keeps those on the chosen branch: a node whose parent is known must follow it on
 * the path, and of several alternatives only the selected one stays.
 */
export function walk<M extends object>(tree: Tree<M>, choices: Choices): readonly Stretch<M>[] {
  const branch = new BranchWalk(tree, choices)
  for (const node of tree.nodes()) if (tree.isListed(node)) branch.visit(node)
  return branch.path
}

class BranchWalk<M extends object> {
  readonly path: Stretch<M>[] = []
  readonly #placed = new Set<TreeNode<M>>()
  readonly #waiting = new Map<TreeNode<M>, TreeNode<M>[]>()
  /** Messages of runs on the path whose place a reply inside the run has taken. */
  readonly #dropped = new Set<string>()
  readonly #alternatives: Alternatives<M>
  readonly #selected = new Map<readonly TreeNode<M>[], TreeNode<M>>()

  constructor(
    private readonly tree: Tree<M>,
    private readonly choices: Choices,
  ) {
    this.#alternatives = new Alternatives(tree)
  }

  // NOTE: a child can sort before its parent (clocks of two sites), so it waits until the parent is placed; what waits
  // for ever hangs under a branch that is not chosen, or in a circle
  visit(first: TreeNode<M>): void {
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
    if (this.#alternatives.hostOf(node)) return false
    const members = this.#alternatives.of(node)
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
      const turn: Turn<M> | undefined = node instanceof RunNode ? this.#turnIn(ids) : undefined
      this.path.push({ node, ids: turn ? ids.slice(0, turn.index) : ids })
      if (turn) for (const id of ids.slice(turn.index)) this.#dropped.add(id)
      this.#placed.add(node)
      for (const child of this.#waiting.get(node) ?? []) released.push(child)
      this.#waiting.delete(node)
      node = turn?.reply
    }
    return released
  }

  #turnIn(ids: readonly string[]): Turn<M> | undefined {
    for (let index = 1; index < ids.length; index++) {
      const replies = this.#alternatives.inside(ids[index - 1]!, ids[index]!)
      if (replies.length === 0) continue
      const keys = [ids[index]!, ...replies.map(({ key }) => key)]
      const reply = replies[selectionOf(this.tree, keys, this.choices) - 1]
      if (reply) return { index, reply }
    }
    return undefined
  }
}
