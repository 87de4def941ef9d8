import { bySort, type TreeNode } from './node'
import { InputNode } from './input-node'
import type { Tree } from './tree'

/** What one view picked where there are alternatives: node key -> when it was picked, later ones winning. */
export interface Choices {
  readonly picked: ReadonlyMap<string, number>
}

/**
 * Walks all nodes in sort order and keeps those on the chosen branch: a node whose parent is known must follow it on
 * the path, and of several alternatives only the selected one stays.
 */
export function walk<M extends object>(tree: Tree<M>, choices: Choices): readonly TreeNode<M>[] {
  const nodes: TreeNode<M>[] = []
  const placed = new Set<TreeNode<M>>()
  const waiting = new Map<TreeNode<M>, TreeNode<M>[]>()
  const alternatives = new Alternatives(tree)
  const selections = new Map<readonly TreeNode<M>[], TreeNode<M> | undefined>()
  const selected = (members: readonly TreeNode<M>[]): TreeNode<M> | undefined => {
    if (members.length === 1) return members[0]
    if (!selections.has(members)) selections.set(members, selectionOf(members, choices))
    return selections.get(members)
  }
  // NOTE: a child can sort before its parent (clocks of two sites), so it waits until the parent is placed; what waits
  // for ever hangs under a branch that is not chosen, or in a circle
  const visit = (first: TreeNode<M>): void => {
    const queue = [first]
    for (const node of queue) {
      const parent = parentOf(tree, node)
      if (parent && !placed.has(parent)) {
        const others = waiting.get(parent)
        if (others) others.push(node)
        else waiting.set(parent, [node])
        continue
      }
      if (selected(alternatives.of(node)) !== node) continue
      placed.add(node)
      nodes.push(node)
      for (const child of waiting.get(node) ?? []) queue.push(child)
      waiting.delete(node)
    }
  }
  for (const node of tree.nodes()) if (node.visible) visit(node)
  return nodes
}

function parentOf<M extends object>(tree: Tree<M>, node: TreeNode<M>): TreeNode<M> | undefined {
  const parent = node.parent === undefined ? undefined : tree.nodeOf(node.parent)
  return parent?.visible ? parent : undefined
}

/** Which of several alternatives shows: the one picked last, else the newest. */
function selectionOf<M extends object>(members: readonly TreeNode<M>[], choices: Choices): TreeNode<M> | undefined {
  let best = members.at(-1)
  let when = -1
  for (const member of members) {
    const picked = choices.picked.get(member.key)
    if (picked !== undefined && picked > when) {
      best = member
      when = picked
    }
  }
  return best
}

/** Nodes and their alternatives, worked out once per parent. */
export class Alternatives<M extends object> {
  readonly #groups = new Map<TreeNode<M>, TreeNode<M>[]>()
  readonly #forkRoots = new Map<InputNode<M>, InputNode<M>>()

  constructor(private readonly tree: Tree<M>) {}

  /** A node and its alternatives, oldest first: replies to one message, or edits of one prompt. */
  of(node: TreeNode<M>): readonly TreeNode<M>[] {
    const siblings = this.tree.children(node.parent)
    if (siblings.length > 1 && !this.#groups.has(node)) this.#group(siblings)
    return this.#groups.get(node) ?? [node]
  }

  #group(children: Iterable<TreeNode<M>>): void {
    const groups = new Map<unknown, TreeNode<M>[]>()
    for (const child of children) {
      if (!child.visible) continue
      const kin = child instanceof InputNode ? this.#forkRoot(child) : (child.parent ?? child)
      const group = groups.get(kin) ?? []
      group.push(child)
      groups.set(kin, group)
      this.#groups.set(child, group)
    }
    for (const group of groups.values()) group.sort(bySort)
  }

  /** The prompt that a chain of edits began with, as far as it is known and follows the same message. */
  #forkRoot(node: InputNode<M>): InputNode<M> {
    const chain = new Set<InputNode<M>>()
    let root = node
    while (!this.#forkRoots.has(root) && !chain.has(root)) {
      chain.add(root)
      root = replaced(this.tree, root) ?? root
    }
    // NOTE: of edits that replace each other in a circle it is the first that was met again, for all of them
    root = this.#forkRoots.get(root) ?? root
    for (const link of chain) this.#forkRoots.set(link, root)
    return root
  }
}

/** The prompt that this one is another version of. */
function replaced<M extends object>(tree: Tree<M>, node: InputNode<M>): InputNode<M> | undefined {
  const target = node.forkOf === undefined ? undefined : tree.inputs.get(node.forkOf)
  return target?.parent === node.parent ? target : undefined
}
