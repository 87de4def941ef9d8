import { noItems, SortedList } from './collections'
import { byLevel, levelOf, type TreeNode } from './node'
import { RunNode } from './run-node'
import { selectedOf, selectionOf, type Choices } from './siblings'
import type { Tree } from './tree'

/** A node on a branch with those of its messages that show. */
export interface PathSegment<M extends object> {
  readonly node: TreeNode<M>
  readonly ids: readonly string[]
}

/** Where a node stands on a branch. */
interface Place<M extends object> {
  /** The node that it follows, if that is known. */
  readonly parent: TreeNode<M> | undefined
  /** Whether it stands inside its parent, in place of the rest of it. */
  readonly isInside: boolean
  /** Its own level; that of an earlier node of its branch if that is higher. */
  readonly at: string
  /** How many nodes before it on its branch have the same `at`. */
  readonly depth: number
  /** Orders the nodes: by `at`, then by `depth`, then by level. */
  readonly key: string
}

/** A node on the branch, as the walk knows it. */
interface Step<M extends object> extends PathSegment<M> {
  place: Place<M>
  ids: readonly string[]
  /** All of its messages, and how many of them the walk has seen. */
  all: readonly string[]
  seen: number
  /** The reply that stands inside it, in place of the messages that do not show. */
  reply: RunNode<M> | undefined
}

/**
 * The nodes on the chosen branch of a tree. A node is on it when the message that it follows is unknown or shows, and
 * when it is the selected one of its siblings. The walk looks at each node that can have changed, and then at the nodes
 * that depend on it: at all nodes in the beginning, and later at those that the tree has moved.
 */
export class BranchWalk<M extends object> {
  readonly #tree: Tree<M>
  readonly #choices: Choices
  readonly #steps = new Map<TreeNode<M>, Step<M>>()
  /** All steps but those that stand inside others. */
  readonly #order = new SortedList<Step<M>>(byKey)
  /** Nodes to be looked at. */
  readonly #pending = new Set<TreeNode<M>>()
  /** Nodes that have moved since the last look, as lists that are in order. */
  #moved: (readonly TreeNode<M>[])[] = []
  /** The members of groups that show, where there are several. */
  readonly #selected = new WeakMap<readonly TreeNode<M>[], TreeNode<M>>()
  #path: readonly PathSegment<M>[] | undefined
  /** Whether the path, or a node on it, is another one than before. */
  #hasChanged = false

  constructor(tree: Tree<M>, choices: Choices) {
    this.#tree = tree
    this.#choices = choices
    this.note()
  }

  /** The branch in order. */
  get path(): readonly PathSegment<M>[] {
    this.advance()
    return (this.#path ??= this.#list())
  }

  has(node: TreeNode<M>): boolean {
    return this.#steps.has(node)
  }

  /** The member of a group that is on the path. */
  shownIn(group: readonly TreeNode<M>[]): TreeNode<M> | undefined {
    const selected = this.#selected.get(group)
    return selected && this.has(selected) ? selected : group.find((node) => this.has(node))
  }

  /** Notes which nodes can stand elsewhere: those that the tree has moved, or all after a choice. */
  note(moved: readonly TreeNode<M>[] = this.#tree.nodes()): void {
    if (moved.length > 0) this.#moved.push(moved.toSorted(byLevel))
  }

  /** Brings the path in step with a change of the tree; whether it, or a node on it, is another one than before. */
  follow(moved: readonly TreeNode<M>[]): boolean {
    this.note(moved)
    this.advance()
    const hasChanged = this.#hasChanged || moved.some((node) => this.has(node))
    this.#hasChanged = false
    return hasChanged
  }

  /** Looks at all nodes that are to be looked at, or at `count` of them; false when there are no more. */
  advance(count = Infinity): boolean {
    // NOTE: in order, so that most nodes are looked at after those that they follow; pages of history come newest first
    if (this.#moved.length > 0) {
      for (const node of this.#moved.toSorted(([a], [b]) => byLevel(a!, b!)).flat()) this.#pending.add(node)
      this.#moved = []
    }
    for (const node of this.#pending) {
      if (count-- < 1) return true
      this.#pending.delete(node)
      this.#review(node)
    }
    return false
  }

  #review(node: TreeNode<M>): void {
    const step = this.#steps.get(node)
    const place = this.#placeOf(node)
    if (step && place && step.place.isInside === place.isInside && !this.#isBehind(place.parent, step))
      this.#update(step, place)
    else if (step) this.#hide(step)
    else if (place) this.#show(node, place)
  }

  /** Whether a node that a step shall follow stands behind it itself, because nodes follow each other in a circle. */
  #isBehind(parent: TreeNode<M> | undefined, { node, place }: Step<M>): boolean {
    if (parent === place.parent) return false
    let above = parent
    while (above && above !== node) above = this.#steps.get(above)?.place.parent
    return above !== undefined
  }

  #placeOf(node: TreeNode<M>): Place<M> | undefined {
    const host = this.#tree.siblings.hostOf(node)
    if (host) return this.#placeInside(host, node)
    if (!this.#tree.isListed(node)) return undefined
    const parent = node.parent === undefined ? undefined : this.#tree.nodeOf(node.parent)
    const before = parent?.visible ? this.#steps.get(parent) : undefined
    const isReached = parent?.visible ? before && !isCutOff(before, node.parent!) : true
    if (!isReached || !this.#isSelected(node)) return undefined
    const level = levelOf(node)
    if (!before || level > before.place.at)
      return { parent: before?.node, isInside: false, at: level, depth: 0, key: level }
    // NOTE: a node can have a lower serial than the one that it follows, because the clocks of two sites differ
    const { at } = before.place
    const depth = before.place.depth + 1
    return { parent: before.node, isInside: false, at, depth, key: `${at} ${String(depth).padStart(9, '0')} ${level}` }
  }

  /** The place of a reply inside a run, if it is the one that shows there. */
  #placeInside(host: RunNode<M>, reply: TreeNode<M>): Place<M> | undefined {
    const step = this.#steps.get(host)
    if (step) this.#cut(step, this.#replyIn(host))
    return step?.reply === reply ? { ...step.place, parent: host, isInside: true } : undefined
  }

  #isSelected(node: TreeNode<M>): boolean {
    const group = this.#tree.siblings.of(node)
    if (group.length === 1) return true
    const former = this.#selected.get(group)
    const selected = selectedOf(this.#tree, group, this.#choices)
    if (former === selected) return selected === node
    this.#selected.set(group, selected)
    // NOTE: a new group can consist of several, each with a member that shows
    for (const each of former ? [former] : group) if (this.has(each)) this.#pending.add(each)
    this.#pending.add(selected)
    return selected === node
  }

  #show(node: TreeNode<M>, place: Place<M>): void {
    const { ids } = node
    // NOTE: with all fields, because a field that is added later takes several times the room
    const step: Step<M> = { node, place, ids, all: ids, seen: ids.length, reply: undefined }
    this.#steps.set(node, step)
    if (!place.isInside) this.#order.add(step)
    this.#cut(step, this.#replyIn(node))
    this.#changed(node.mentioned)
  }

  #hide(first: Step<M>): void {
    const steps = [first]
    for (const step of steps) {
      const { node } = step
      this.#steps.delete(node)
      if (!step.place.isInside) this.#order.remove(step)
      this.#pending.add(node)
      for (const id of node.mentioned) {
        for (const child of this.#tree.children(id)) {
          const follower = this.#steps.get(child)
          if (follower?.place.parent === node) steps.push(follower)
        }
      }
    }
    const { parent, isInside } = first.place
    const host = isInside && this.#steps.get(parent!)
    if (host) this.#cut(host, this.#replyIn(host.node))
    this.#changed()
  }

  /** Takes in what is new about a node on the path. */
  #update(step: Step<M>, place: Place<M>): void {
    const { node, seen, all } = step
    this.#move(step, place)
    const isLonger = all === node.ids
    if (isLonger && seen === all.length) return
    step.all = node.ids
    step.seen = node.ids.length
    if (!isLonger || !step.reply) this.#cut(step, this.#replyIn(node, isLonger ? Math.max(seen, 1) : 1))
    this.#changed(isLonger ? all.slice(seen) : node.mentioned)
  }

  #move(step: Step<M>, place: Place<M>): void {
    if (step.place.key === place.key) step.place = place
    else {
      if (!place.isInside) this.#order.remove(step)
      step.place = place
      if (!place.isInside) this.#order.add(step)
      this.#changed(step.node.mentioned)
    }
  }

  /** Lets a reply take the place of the rest of a run, or gives it back. */
  #cut(step: Step<M>, { index, reply }: InlineReply<M>): void {
    const { node, ids: shown, reply: former } = step
    const count = Math.min(index, node.ids.length)
    step.reply = reply
    step.ids = reply ? node.ids.slice(0, count) : node.ids
    if (reply === former && (!reply || count === shown.length)) return
    for (const each of [former, reply]) if (each) this.#pending.add(each)
    this.#changed(node.ids.slice(Math.min(count, shown.length)))
  }

  /** Notes that the path is another one; the nodes that follow these messages are looked at again. */
  #changed(ids: readonly string[] = noItems): void {
    this.#path = undefined
    this.#hasChanged = true
    // NOTE: by index, because this runs for each node of a page, and other loops make objects for each step
    for (let at = 0; at < ids.length; at++) {
      const followers = this.#tree.children(ids[at])
      for (let index = 0; index < followers.length; index++) this.#pending.add(followers[index]!)
    }
  }

  /** The first message of a run whose place a reply has taken. @param from - the first index that is looked at */
  #replyIn(node: TreeNode<M>, from = 1): InlineReply<M> {
    const { ids } = node
    for (let index = from; index < ids.length; index++) {
      const replies = this.#tree.siblings.inside(ids[index - 1]!, ids[index]!)
      if (replies.length === 0) continue
      const keys = [{ key: ids[index]! }, ...replies]
      const reply = replies[selectionOf(this.#tree, keys, this.#choices) - 1]
      if (reply && this.#tree.siblings.hostOf(reply) === node) return { index, reply }
    }
    return { index: Infinity, reply: undefined }
  }

  #list(): readonly Step<M>[] {
    const order = this.#order.sorted()
    if (order.length === this.#steps.size) return order.slice()
    return order.flatMap((step) => (step.reply ? this.#withReplies(step) : step))
  }

  #withReplies(first: Step<M>): readonly Step<M>[] {
    const steps = [first]
    for (const { reply } of steps) {
      const step = reply && this.#steps.get(reply)
      if (step) steps.push(step)
    }
    return steps
  }
}

/** Where a reply takes the place of the rest of a run. */
interface InlineReply<M extends object> {
  readonly index: number
  readonly reply: RunNode<M> | undefined
}

/** Whether a reply has taken the place of a message. */
const isCutOff = ({ reply, node, ids }: Step<object>, id: string): boolean =>
  reply !== undefined && node.ids.indexOf(id) >= ids.length

const byKey = { keyOf: ({ place }: Step<object>): string => place.key }
