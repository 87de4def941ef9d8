import { firstAbove, noItems } from './collections'
import { InputNode } from './input-node'
import { byLevel, levelOf, type TreeNode } from './node'
import { RunNode } from './run-node'
import type { AccessPolicy } from './access'

/** The choices of one view between siblings; the last one counts. */
export interface Choices {
  /**
   * Picked siblings, by node key, by the id of a message inside a run, or by the id of a request: when they were
   * picked.
   */
  readonly picked: ReadonlyMap<string, number>
  /** Those of them that were the newest when they were picked: from then on the newest one shows. */
  readonly following?: ReadonlySet<string>
}

/** One of several versions of a message: a prompt, a reply, or a message inside a run. */
export interface Sibling<M extends object> {
  readonly key: string
  readonly node: TreeNode<M>
  /** The message that stands for it; undefined while it has none. */
  readonly id: string | undefined
}

/** The tree as siblings and branches need it. */
interface Structure<M extends object> {
  readonly access: AccessPolicy
  readonly inputs: ReadonlyMap<string, InputNode<M>>
  readonly runs: ReadonlyMap<string, RunNode<M>>
  nodeOf(messageId: string): TreeNode<M> | undefined
  children(messageId: string | undefined): readonly TreeNode<M>[]
  editsOf(inputId: string): readonly InputNode<M>[]
  runsOf(inputId: string): readonly RunNode<M>[]
  isListed(node: TreeNode<M>): boolean
  readonly forks: { replacementsOf(run: RunNode<M>): readonly RunNode<M>[] }
}

/** The nodes that follow one message, in groups of which one member shows. */
interface Place<M extends object> {
  readonly groups: Map<TreeNode<M>, TreeNode<M>[]>
  /** The replies to the message. */
  replies?: TreeNode<M>[]
}

/**
 * Tells which prompts and replies are versions of each other. Groups are made when they are asked for and then kept.
 */
export class Siblings<M extends object> {
  readonly #tree: Structure<M>
  /** By the message that their nodes follow. */
  readonly #places = new Map<string, Place<M>>()
  readonly #versions = new WeakMap<readonly TreeNode<M>[], readonly Sibling<M>[]>()

  constructor(tree: Structure<M>) {
    this.#tree = tree
  }

  /** A node and its siblings, oldest first: replies to one message, or edits of one prompt. */
  of(node: TreeNode<M>): readonly TreeNode<M>[] {
    const key = node.parent ?? ''
    let place = this.#places.get(key)
    if (!place) {
      const children = this.#tree.children(node.parent)
      if (children.length < 2) return [node]
      this.#places.set(key, (place = this.#placeOf(children)))
    }
    return place.groups.get(node) ?? [node]
  }

  /** Replies that take the place of a message inside a run, oldest first. */
  inside(previousId: string, id: string): readonly RunNode<M>[] {
    const replies = this.#tree.children(previousId)
    return replies.length === 0
      ? noItems
      : replies
          .filter((node) => node instanceof RunNode)
          .filter((run) => run.regenerates === id && this.#tree.isListed(run))
          .toSorted(byLevel)
  }

  /** The run inside which a reply takes the place of a message; undefined for most replies, which follow a prompt. */
  hostOf(node: TreeNode<M>): RunNode<M> | undefined {
    if (!(node instanceof RunNode) || node.regenerates === undefined || node.parent === undefined) return undefined
    const host = this.#tree.nodeOf(node.parent)
    if (!(host instanceof RunNode) || this.#tree.nodeOf(node.regenerates) !== host) return undefined
    return previousIn(host, node.regenerates) === node.parent ? host : undefined
  }

  /**
   * All versions of a message, oldest first; the same list while they are the same. For a later message of a run:
   * itself and the replies that take its place inside the run.
   */
  at(messageId: string): readonly Sibling<M>[] {
    const node = this.#tree.nodeOf(messageId)
    if (!node?.message(messageId)) return []
    const previous = node instanceof RunNode ? previousIn(node, messageId) : undefined
    if (previous !== undefined) return this.#insideOf(node as RunNode<M>, previous, messageId)
    const host = this.hostOf(node)
    if (host) return this.#insideOf(host, node.parent!, (node as RunNode<M>).regenerates!)
    return this.#versionsOf(this.#replacing(node) ?? this.of(node))
  }

  /** Brings the groups in step with a node that has changed its place. */
  update(node: TreeNode<M>): void {
    const place = this.#places.get(node.parent ?? '')
    if (!place) return
    const group = place.groups.get(node)
    const isMember = this.#isMember(node)
    if (group) this.#versions.delete(group)
    const isSettled = group ? isMember && isInOrder(group, node) : !isMember || this.#add(place, node)
    if (!isSettled) this.#places.delete(node.parent ?? '')
  }

  /** Forgets the groups of nodes that follow a message. */
  forget(parent = ''): void {
    this.#places.delete(parent)
  }

  #versionsOf(group: readonly TreeNode<M>[]): readonly Sibling<M>[] {
    let versions = this.#versions.get(group)
    if (!versions) this.#versions.set(group, (versions = group.map(siblingOf)))
    return versions
  }

  #insideOf(host: RunNode<M>, previous: string, id: string): readonly Sibling<M>[] {
    return [{ key: id, node: host, id }, ...this.inside(previous, id).map(siblingOf)]
  }

  /** The runs that replace a run, if there are several. */
  #replacing(node: TreeNode<M>): readonly TreeNode<M>[] | undefined {
    if (!(node instanceof RunNode)) return undefined
    const seen = new Set<RunNode<M>>()
    let run = node
    for (
      let [next] = this.#tree.forks.replacementsOf(run);
      next && !seen.has(run);
      [next] = this.#tree.forks.replacementsOf(run)
    ) {
      seen.add(run)
      run = next
    }
    const group = run === node ? [] : this.of(run)
    return group.length > 1 ? group : undefined
  }

  #isMember(node: TreeNode<M>): boolean {
    return this.#tree.isListed(node) && !this.hostOf(node)
  }

  #placeOf(children: readonly TreeNode<M>[]): Place<M> {
    const groups = new Map<TreeNode<M>, TreeNode<M>[]>()
    const byRoot = new Map<TreeNode<M>, TreeNode<M>[]>()
    const roots = new Map<InputNode<M>, InputNode<M>>()
    let replies: TreeNode<M>[] | undefined
    for (const child of children.filter((node) => this.#isMember(node)).toSorted(byLevel)) {
      const root = child instanceof InputNode ? this.#rootOf(child, roots) : child
      const isReply = child instanceof RunNode && child.parent !== undefined
      const group: TreeNode<M>[] = (isReply ? replies : byRoot.get(root)) ?? []
      if (isReply) replies = group
      else byRoot.set(root, group)
      group.push(child)
      groups.set(child, group)
    }
    return { groups, replies }
  }

  /**
   * Adds a node that can be in no group but that of the prompt it is an edit of, or of the replies; false when it can.
   */
  #add(place: Place<M>, node: TreeNode<M>): boolean {
    if (node instanceof InputNode && this.#tree.editsOf(node.key).length > 0) return false
    const target = node instanceof InputNode ? this.#replaced(node) : undefined
    const isReply = node instanceof RunNode && node.parent !== undefined
    const group = (target ? place.groups.get(target) : isReply ? place.replies : []) ?? []
    if (target && group.length === 0) return false
    if (isReply) place.replies = group
    group.splice(firstAbove(group, levelOf, levelOf(node)), 0, node)
    place.groups.set(node, group)
    this.#versions.delete(group)
    return true
  }

  /** The prompt that a chain of edits began with, as far as it is known and follows the same message. */
  #rootOf(node: InputNode<M>, roots: Map<InputNode<M>, InputNode<M>>): InputNode<M> {
    const chain = new Set<InputNode<M>>()
    let root = node
    while (!roots.has(root) && !chain.has(root)) {
      chain.add(root)
      root = this.#replaced(root) ?? root
    }
    // NOTE: of edits that replace each other in a circle it is the first that was met again, for all of them
    root = roots.get(root) ?? root
    for (const link of chain) roots.set(link, root)
    return root
  }

  /** The prompt that a prompt is an edit of. */
  #replaced(node: InputNode<M>): InputNode<M> | undefined {
    const target = node.forkOf === undefined ? undefined : this.#tree.inputs.get(node.forkOf)
    if (!target?.visible || target.parent !== node.parent) return undefined
    return this.#tree.access.allows('edit', node.owner, target.owner) ? target : undefined
  }
}

const previousIn = (run: RunNode<object>, id: string): string | undefined => run.ids[run.ids.indexOf(id) - 1]

const siblingOf = <M extends object>(node: TreeNode<M>): Sibling<M> => ({ key: node.key, node, id: node.ids[0] })

const indexIn = (group: readonly TreeNode<object>[], node: TreeNode<object>): number => {
  let at = firstAbove(group, levelOf, levelOf(node)) - 1
  while (at >= 0 && group[at] !== node && levelOf(group[at]!) === levelOf(node)) at--
  return group[at] === node ? at : -1
}

function isInOrder(group: readonly TreeNode<object>[], node: TreeNode<object>): boolean {
  const at = indexIn(group, node)
  return at >= 0 && (at === 0 || levelOf(group[at - 1]!) <= levelOf(node))
}

/** The member of a group that shows: the one picked last, else the newest. */
export function selectedOf<M extends object>(
  tree: Structure<M>,
  group: readonly TreeNode<M>[],
  choices: Choices,
): TreeNode<M> {
  const { picked } = choices
  // NOTE: a group can have thousands of members of which few were picked
  if (picked.size === 0 || picked.size >= group.length) return group[selectionOf(tree, group, choices)]!
  const chosen = new Set<number>()
  for (const key of picked.keys()) {
    const nodes = [tree.inputs.get(key), tree.runs.get(key), ...(tree.inputs.has(key) ? [] : tree.runsOf(key))]
    for (const node of nodes) if (node) chosen.add(indexIn(group, node))
  }
  chosen.delete(-1)
  const candidates = [...chosen].toSorted((a, b) => a - b)
  return group[selectionOf(tree, group, choices, candidates)]!
}

/**
 * The index of the sibling that shows: the one picked last, else the newest.
 *
 * @param candidates - The indexes, in order, of those that may have been picked.
 */
export function selectionOf<M extends object>(
  tree: Structure<M>,
  siblings: readonly { readonly key: string }[],
  { picked, following }: Choices,
  candidates: Iterable<number> = siblings.keys(),
): number {
  // NOTE: a prompt that has failed stands last, but is not newer than what was sent
  const newest = siblings.findLastIndex(({ key }) => !tree.inputs.get(key)?.isFailed)
  let best = newest < 0 ? siblings.length - 1 : newest
  let last = 0
  if (picked.size === 0) return best
  for (const index of candidates) {
    for (const key of keysOf(tree, siblings[index]!.key)) {
      const time = picked.get(key) ?? 0
      if (time === 0 || time < last) continue
      last = time
      best = following?.has(key) ? Math.max(newest, index) : index
    }
  }
  return best
}

/** The keys under which a sibling can be picked: its own, and the request that it came from. */
function keysOf<M extends object>(tree: Structure<M>, key: string): readonly string[] {
  const inputId = tree.runs.get(key)?.inputId
  // NOTE: a prompt is picked among prompts, which says nothing about the replies to it
  return inputId !== undefined && !tree.inputs.has(inputId) ? [key, inputId] : [key]
}
