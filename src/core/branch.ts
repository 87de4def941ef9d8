import { firstAbove, noItems } from './collections'
import { byLevel, levelOf, type TreeNode } from './node'
import { everywhere, higher, lower, Path, PathChange, type PathSegment, type Step } from './path'
import { RunNode } from './run-node'
import { selectedOf, selectionOf, type Choices } from './siblings'
import type { Tree } from './tree'

/** Where a reply takes the place of the rest of a run. */
interface InlineReplacement<M extends object> {
  readonly index: number
  readonly reply: RunNode<M>
}

/**
 * Walks all nodes in the order of their serials and keeps those on the chosen branch: a node whose parent is known must follow it on
 * the path, and of several siblings only the selected one stays. Follows changes of the tree by walking on from the first
 * place where the path differs.
 */
export class BranchWalk<M extends object> {
  readonly #tree: Tree<M>
  readonly #choices: Choices
  readonly #path = new Path<M>()
  /** The members of groups that show, where there are several. */
  #selected = new WeakMap<readonly TreeNode<M>[], TreeNode<M>>()
  #version: number
  #visited = 0
  /** Whether nodes may be off the path although the walk has passed them, so that they can wait for others. */
  #hasPassed = false

  /** @param isStepwise - whether the path is made by calls of `advance` instead of at once */
  constructor(tree: Tree<M>, choices: Choices, isStepwise = false) {
    this.#tree = tree
    this.#choices = choices
    this.#version = tree.version
    if (!isStepwise) this.advance(Infinity)
  }

  /** Visits `count` more nodes; false when there are no more. */
  advance(count: number): boolean {
    const nodes = this.#tree.nodes()
    for (const end = this.#visited + count; this.#visited < end && this.#visited < nodes.length;) {
      const node = nodes[this.#visited++]!
      if (this.#tree.isListed(node)) this.#visit(node)
    }
    return this.#visited < nodes.length
  }

  get path(): readonly PathSegment<M>[] {
    return this.#path.steps
  }

  /** Whether the last `follow` has changed the path, or a node on it. */
  get hasChanged(): boolean {
    return this.#path.hasChanged
  }

  has(node: TreeNode<M>): boolean {
    return this.#path.has(node)
  }

  /** The member of a group that is on the path. */
  shownIn(group: readonly TreeNode<M>[]): TreeNode<M> | undefined {
    const selected = this.#selected.get(group)
    return selected && this.has(selected) ? selected : group.find((node) => this.has(node))
  }

  /** Whether the path is that of the tree as it is. */
  get isCurrent(): boolean {
    return this.#version === this.#tree.version
  }

  /**
   * Brings the path in step with the last change of the tree, or the last `count`; false when this walk is of no more use.
   */
  follow(moved: readonly TreeNode<M>[] | undefined, count = 1): boolean {
    if (!moved || this.#version !== this.#tree.version - count) return false
    this.#version = this.#tree.version
    this.#hasPassed = true
    this.#path.hasChanged = false
    const change = new PathChange<M>(moved)
    for (const node of moved.length > 1 ? moved.toSorted(byLevel) : moved) {
      change.pending.delete(node)
      this.#review(node, change)
    }
    if (change.from !== undefined) this.#walkFrom(change.from)
    this.#path.hasChanged ||= moved.some((node) => this.has(node))
    return true
  }

  /** Looks again at a node, and at the sibling that may show in its place. */
  #review(node: TreeNode<M>, change: PathChange<M>): void {
    const host = this.#tree.siblings.hostOf(node)
    const hostStep = host && this.#path.get(host)
    if (hostStep) this.#reviewInside(hostStep, change)
    const group = this.#tree.siblings.of(node)
    if (group.length > 1 && this.#tree.isListed(node)) {
      const former = this.#selected.get(group) ?? group.find((member) => this.#path.has(member))
      const selected = selectedOf(this.#tree, group, this.#choices)
      this.#selected.set(group, selected)
      if (former && former !== selected) this.#reviewNode(former, change)
      if (selected !== node) this.#reviewNode(selected, change)
    }
    this.#reviewNode(node, change)
  }

  #reviewNode(node: TreeNode<M>, change: PathChange<M>): void {
    const step = this.#path.get(node)
    const parent = this.#parentOf(node)
    const parentStep = parent && this.#path.get(parent)
    const isShown = this.#tree.isListed(node) && (!parent || parentStep !== undefined) && this.#shows(node)
    const at = higher(levelOf(node), parentStep?.at ?? '')
    if (step && this.#tree.siblings.hostOf(node)) {
      this.#path.relevel(this.#path.indexOf(step))
      this.#updateIds(step, change)
    } else if (step) this.#reviewStep(step, isShown ? at : undefined, change)
    else if (isShown && !change.covers(at)) this.#insert(node, at, change)
  }

  /** Looks again at a node on the path. @param at - where it belongs; undefined when it does not show */
  #reviewStep(step: Step<M>, at: string | undefined, change: PathChange<M>): void {
    const seen = at === step.at ? step.seen : 0
    // NOTE: from its own level, because its parent can move after it
    if (at === undefined || (at !== step.at && !this.#path.resettle(step, at)))
      return change.walkFrom(lower(step.at, levelOf(step.node)))
    if (this.#hasFollowers(step.node, change, seen)) return change.walkFrom(at)
    this.#updateIds(step, change)
  }

  /** Takes in new messages of a node on the path. */
  #updateIds(step: Step<M>, change: PathChange<M>): void {
    const { ids } = step.node
    const isCut = step.ids.length < step.seen
    if (step.seen === ids.length && (isCut || step.ids === ids)) return
    const turn = isCut ? undefined : this.#turnIn(step.node, Math.max(step.seen, 1))
    if (turn) return change.walkFrom(step.at)
    if (isCut) for (const id of ids.slice(step.seen)) this.#drop(id, change)
    else step.ids = ids
    step.seen = ids.length
  }

  #drop(id: string, change: PathChange<M>): void {
    this.#path.dropped.add(id)
    for (const child of this.#tree.children(id)) {
      const step = this.#path.get(child)
      if (step) change.walkFrom(step.at)
    }
  }

  /** Looks again at which reply takes the place of the rest of a run. */
  #reviewInside(step: Step<M>, change: PathChange<M>): void {
    const index = this.#path.indexOf(step)
    const turn = this.#turnIn(step.node)
    const isCut = step.ids.length < step.seen
    const former = isCut ? this.#path.steps[index + 1] : undefined
    if (turn?.reply === former?.node && (turn?.index ?? step.seen) === step.ids.length) return
    const isEnd = index === this.#path.steps.length - (former ? 2 : 1)
    // NOTE: the end of a chain of replies inside each other; what comes back into sight needs a walk
    if (!isEnd || !turn || turn.index > step.ids.length) return change.walkFrom(step.at)
    this.#path.truncate(index)
    this.#place(step.node, step.at)
    if (this.#path.steps.slice(index).some(({ node }) => this.#hasFollowers(node, change))) change.walkFrom(step.at)
  }

  /** Puts a node on the path that was not there. */
  #insert(node: TreeNode<M>, at: string, change: PathChange<M>): void {
    // NOTE: other nodes stay where they are unless they begin to show with this one
    if (this.#turnIn(node) || this.#hasFollowers(node, change)) return change.walkFrom(at)
    const index = this.#path.indexAbove(at)
    if (this.#path.steps[index - 1]?.at === at && this.#tree.nodes().at(-1) !== node) return change.walkFrom(at)
    this.#path.add({ node, ids: node.ids, level: '', at, seen: node.ids.length }, index)
    this.#path.relevel(index)
  }

  /**
   * Whether nodes have waited for this one, besides those that are still to be reviewed.
   *
   * @param seen - how many of its messages have been on the path already
   */
  #hasFollowers(node: TreeNode<M>, { pending }: PathChange<M>, seen = 0): boolean {
    return this.#followers(node, everywhere, seen).some((follower) => !pending.has(follower))
  }

  /** Walks the rest of the path again. */
  #walkFrom(at: string): void {
    let index = this.#path.indexAbove(at)
    while (index > 0 && this.#path.steps[index - 1]!.at === at) index--
    this.#path.truncate(index)
    const nodes = this.#tree.nodes()
    let first = firstAbove(nodes, levelOf, at)
    while (first > 0 && levelOf(nodes[first - 1]!) === at) first--
    for (; first < nodes.length; first++) if (this.#tree.isListed(nodes[first]!)) this.#visit(nodes[first]!)
  }

  // NOTE: a child can have a lower serial than its parent (clocks of two sites), so it waits until the parent is placed; a node that
  // waits for ever hangs under a branch that is not chosen, or in a circle
  #visit(first: TreeNode<M>, at = levelOf(first)): void {
    const followers = this.#reach(first, at)
    if (followers.length === 0) return
    const queue = followers.slice()
    for (const node of queue) queue.push(...this.#reach(node, at))
  }

  /** Puts a node on the path if it belongs there; returns the nodes that waited for it. */
  #reach(node: TreeNode<M>, at: string): readonly TreeNode<M>[] {
    const parent = this.#parentOf(node)
    const isPlaced = this.#hasPassed && this.#path.has(node)
    const isReached = !isPlaced && (!parent || this.#path.has(parent))
    if (isReached && this.#shows(node)) return this.#place(node, at)
    this.#hasPassed = true
    return noItems
  }

  #parentOf(node: TreeNode<M>): TreeNode<M> | undefined {
    const parent = node.parent === undefined ? undefined : this.#tree.nodeOf(node.parent)
    return parent?.visible ? parent : undefined
  }

  #shows(node: TreeNode<M>): boolean {
    if (node.parent !== undefined && this.#path.dropped.has(node.parent)) return false
    if (this.#tree.siblings.hostOf(node)) return false
    const group = this.#tree.siblings.of(node)
    return group.length === 1 || this.#selectionOf(group) === node
  }

  #selectionOf(group: readonly TreeNode<M>[]): TreeNode<M> {
    let selected = this.#selected.get(group)
    if (!selected) this.#selected.set(group, (selected = selectedOf(this.#tree, group, this.#choices)))
    return selected
  }

  /** Puts a node on the path, and the replies that go on from inside it; returns the nodes that waited for them. */
  #place(first: TreeNode<M>, at: string): readonly TreeNode<M>[] {
    let turn = this.#append(first, at)
    if (!turn) return this.#hasPassed ? this.#followers(first, at) : noItems
    const placed = [first]
    for (; turn; turn = this.#append(turn.reply, at)) placed.push(turn.reply)
    return placed.flatMap((node) => this.#followers(node, at)).toSorted(byLevel)
  }

  /** Puts a node at the end of the path; returns the reply that goes on from inside it. */
  #append(node: TreeNode<M>, at: string): InlineReplacement<M> | undefined {
    const { ids } = node
    const turn = ids.length > 1 ? this.#turnIn(node) : undefined
    const level = higher(this.#path.steps.at(-1)?.level ?? '', levelOf(node))
    this.#path.add({ node, ids: turn ? ids.slice(0, turn.index) : ids, level, at, seen: ids.length })
    if (turn) for (const id of ids.slice(turn.index)) this.#path.dropped.add(id)
    return turn
  }

  /** Nodes that follow a node, or its messages from `seen` on, and were passed before the walk came to this level. */
  #followers(node: TreeNode<M>, at: string, seen = 0): readonly TreeNode<M>[] {
    const followers: TreeNode<M>[] = []
    for (const id of seen > 0 ? node.mentioned.slice(seen) : node.mentioned) {
      for (const child of this.#tree.children(id)) {
        const isPassed = levelOf(child) < at && this.#tree.isListed(child) && !this.#path.has(child)
        if (isPassed && this.#tree.nodeOf(id) === node) followers.push(child)
      }
    }
    return followers.length > 1 ? followers.toSorted(byLevel) : followers
  }

  /** The first message of a run whose place a reply has taken. @param from - the first index that is looked at */
  #turnIn({ ids }: TreeNode<M>, from = 1): InlineReplacement<M> | undefined {
    for (let index = from; index < ids.length; index++) {
      const replies = this.#tree.siblings.inside(ids[index - 1]!, ids[index]!)
      if (replies.length === 0) continue
      const keys = [{ key: ids[index]! }, ...replies]
      const reply = replies[selectionOf(this.#tree, keys, this.#choices) - 1]
      if (reply) return { index, reply }
    }
    return undefined
  }
}
