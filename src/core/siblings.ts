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

/** Where a node stood when it joined its group. */
interface Membership<M extends object> {
  readonly group: TreeNode<M>[]
  readonly parent: string | undefined
  readonly replacesId: string | undefined
  readonly level: string
}

/**
 * Tells which prompts and replies are versions of each other. Groups are made when they are asked for, and kept until a
 * member moves or leaves, or a prompt belongs to two of them.
 */
export class Siblings<M extends object> {
  readonly #tree: Structure<M>
  readonly #memberships = new Map<TreeNode<M>, Membership<M>>()
  /** Groups of replies, by the message that they follow. */
  readonly #replies = new Map<string, TreeNode<M>[]>()
  readonly #versions = new WeakMap<readonly TreeNode<M>[], readonly Sibling<M>[]>()

  constructor(tree: Structure<M>) {
    this.#tree = tree
  }

  /** A node and its siblings, oldest first: replies to one message, or edits of one prompt. */
  of(node: TreeNode<M>): readonly TreeNode<M>[] {
    const known = this.#memberships.get(node)
    if (known) return known.group
    if (this.#tree.children(node.parent).length < 2 || !this.#isMember(node)) return [node]
    const members = node instanceof InputNode ? this.#editsWith(node) : this.#repliesBeside(node)
    const group = members.toSorted(byLevel)
    for (const each of group) this.#enter(each, group)
    return group
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

  /**
   * Brings the groups in step with a node that has changed its place. Returns the nodes whose group has to be made
   * anew, because another one of them may show.
   */
  update(node: TreeNode<M>): readonly TreeNode<M>[] {
    // NOTE: while history is loaded, no view has asked for groups yet
    if (this.#memberships.size === 0) return noItems
    const known = this.#memberships.get(node)
    if (known) this.#versions.delete(known.group)
    const isMember = this.#isMember(node)
    if (known && isMember && isAsBefore(node, known)) return noItems
    const left = this.#dissolve(node)
    return isMember ? [...left, ...this.#join(node)] : left
  }

  #enter(node: TreeNode<M>, group: TreeNode<M>[]): void {
    const { parent, replacesId } = node
    this.#memberships.set(node, { group, parent, replacesId, level: levelOf(node) })
    if (node instanceof RunNode && parent) this.#replies.set(parent, group)
  }

  /**
   * Adds a node to the group that it belongs to. A prompt whose edits are known already can connect several groups:
   * those are returned, to be made anew as one.
   */
  #join(node: TreeNode<M>): readonly TreeNode<M>[] {
    if (!(node instanceof InputNode)) return this.#insert(node, this.#replies.get(node.parent ?? ''))
    const replaced = this.#replaced(node)
    const edits = this.#tree.editsOf(node.key)
    if (edits.length > 0) return [replaced, ...edits].flatMap((each) => this.#dissolve(each))
    return this.#insert(node, this.#membershipOf(replaced)?.group)
  }

  /** Adds a node to a group, if there is one. */
  #insert(node: TreeNode<M>, group: TreeNode<M>[] | undefined): readonly never[] {
    if (group) {
      group.splice(firstAbove(group, levelOf, levelOf(node)), 0, node)
      this.#enter(node, group)
      this.#versions.delete(group)
    }
    return noItems
  }

  /** Forgets the group of a node. Returns its members. */
  #dissolve(node: TreeNode<M> | undefined): readonly TreeNode<M>[] {
    const membership = this.#membershipOf(node)
    if (!membership) return noItems
    const { group, parent = '' } = membership
    for (const each of group) this.#memberships.delete(each)
    if (node instanceof RunNode) this.#replies.delete(parent)
    return group
  }

  #membershipOf(node: TreeNode<M> | undefined): Membership<M> | undefined {
    return node && this.#memberships.get(node)
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
    while (!seen.has(run)) {
      seen.add(run)
      run = this.#tree.forks.replacementsOf(run)[0] ?? run
    }
    const group = run === node ? [] : this.of(run)
    return group.length > 1 ? group : undefined
  }

  #isMember(node: TreeNode<M>): boolean {
    return this.#tree.isListed(node) && !this.hostOf(node)
  }

  /** All replies to the message that a reply follows. */
  #repliesBeside(reply: TreeNode<M>): readonly TreeNode<M>[] {
    if (!reply.parent) return [reply]
    return this.#tree.children(reply.parent).filter((node) => node instanceof RunNode && this.#isMember(node))
  }

  /** A prompt with all prompts that are edits of it, or of which it is an edit itself. */
  #editsWith(node: InputNode<M>): readonly InputNode<M>[] {
    const all = new Set([node])
    for (const each of all) {
      const target = this.#replaced(each)
      if (target) all.add(target)
      for (const edit of this.#tree.editsOf(each.key)) if (this.#isMember(edit) && this.#replaced(edit)) all.add(edit)
    }
    return [...all]
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

const isAsBefore = (node: TreeNode<object>, { parent, replacesId, level }: Membership<object>): boolean =>
  node.parent === parent && node.replacesId === replacesId && levelOf(node) === level

const indexIn = (group: readonly TreeNode<object>[], node: TreeNode<object>): number => {
  const at = firstAbove(group, levelOf, levelOf(node)) - 1
  return group[at] === node ? at : -1
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
