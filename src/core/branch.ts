import { bySort, InputNode, type TreeNode } from './node'
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
  // NOTE: a child can sort before its parent (clocks of two sites), so it waits until the parent is placed; what waits
  // for ever hangs under a branch that is not chosen, or in a circle
  const visit = (first: TreeNode<M>): void => {
    const queue = [first]
    for (let node = queue.shift(); node; node = queue.shift()) {
      const parent = parentOf(tree, node)
      if (parent && !placed.has(parent)) {
        waiting.set(parent, [...(waiting.get(parent) ?? []), node])
        continue
      }
      if (selected(alternatives.of(node), choices) !== node) continue
      placed.add(node)
      nodes.push(node)
      queue.push(...(waiting.get(node) ?? []))
      waiting.delete(node)
    }
  }
  for (const node of tree.nodes()) if (node.visible && !tree.isSuperseded(node)) visit(node)
  return nodes
}

function parentOf<M extends object>(tree: Tree<M>, node: TreeNode<M>): TreeNode<M> | undefined {
  const parent = node.parent === undefined ? undefined : tree.nodeOf(node.parent)
  return parent?.visible ? parent : undefined
}

/** Which of several alternatives shows: the one picked last, else the newest. */
function selected<M extends object>(members: readonly TreeNode<M>[], choices: Choices): TreeNode<M> | undefined {
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
      if (!child.visible || this.tree.isSuperseded(child)) continue
      const kin = child instanceof InputNode ? forkRoot(this.tree, child) : (child.parent ?? child)
      const group = groups.get(kin) ?? []
      group.push(child)
      groups.set(kin, group)
      this.#groups.set(child, group)
    }
    for (const group of groups.values()) group.sort(bySort)
  }
}

/** The prompt that a chain of edits began with, as far as it is known and follows the same message. */
function forkRoot<M extends object>(tree: Tree<M>, node: InputNode<M>): InputNode<M> {
  const seen = new Set<InputNode<M>>()
  let root = node
  for (let target = replaced(tree, root); target; target = replaced(tree, root)) {
    seen.add(root)
    root = target
    if (seen.has(root)) return oldestInCircle(tree, root)
  }
  return root
}

/** The prompt that this one is another version of. */
function replaced<M extends object>(tree: Tree<M>, node: InputNode<M>): InputNode<M> | undefined {
  const target = node.forkOf === undefined ? undefined : tree.inputs.get(node.forkOf)
  return target?.parent === node.parent ? target : undefined
}

function oldestInCircle<M extends object>(tree: Tree<M>, start: InputNode<M>): InputNode<M> {
  let oldest = start
  for (let node = replaced(tree, start); node && node !== start; node = replaced(tree, node)) {
    if (bySort(node, oldest) < 0) oldest = node
  }
  return oldest
}
