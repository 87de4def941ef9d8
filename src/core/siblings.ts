import { InputNode } from './input-node'
import { bySort, type TreeNode } from './node'
import { RunNode } from './run-node'
import type { AccessPolicy } from './access'
import type { Nodes } from './nodes'

/** What one view picked where there are alternatives; later picks win. */
export interface Choices {
  /** Node key, or message id of a reply inside a run, or of the request that a reply came from -> when it was picked. */
  readonly picked: ReadonlyMap<string, number>
  /** The same for what was the newest when it was picked: from then on the newest shows. */
  readonly following?: ReadonlyMap<string, number>
}

/** The tree that siblings are found in. */
interface SiblingTree<M extends object> extends Nodes<M> {
  readonly access: AccessPolicy
  isListed(node: TreeNode<M>): boolean
  replacementsOf(run: RunNode<M>): readonly RunNode<M>[]
}

/** One of several versions of a message: a prompt, a reply, or what stands inside a run where others could follow. */
export interface Sibling<M extends object> {
  readonly key: string
  readonly node: TreeNode<M>
  /** The message that stands for it; undefined while it has none. */
  readonly id: string | undefined
}

/** Which prompts and replies stand for each other, worked out once per place. */
export class Siblings<M extends object> {
  readonly #groups = new Map<TreeNode<M>, readonly TreeNode<M>[]>()
  readonly #forkRoots = new Map<InputNode<M>, InputNode<M>>()
  readonly #previous = new Map<RunNode<M>, ReadonlyMap<string, string | undefined>>()
  readonly #versions = new WeakMap<readonly TreeNode<M>[], readonly Sibling<M>[]>()
  readonly #structure: number

  constructor(private readonly tree: SiblingTree<M>) {
    this.#structure = tree.version
  }

  /** Whether the tree still has the structure that this was worked out for. */
  get isCurrent(): boolean {
    return this.#structure === this.tree.version
  }

  /** A node and its alternatives, oldest first: replies to one message, or edits of one prompt. */
  of(node: TreeNode<M>): readonly TreeNode<M>[] {
    const siblings = this.tree.children(node.parent)
    if (siblings.length > 1 && !this.#groups.has(node)) this.#group(siblings)
    return this.#groups.get(node) ?? [node]
  }

  /** Replies that take the place of a message inside a run, oldest first. */
  inside(previousId: string, id: string): readonly RunNode<M>[] {
    const replies = this.tree.children(previousId)
    return replies.length === 0
      ? none
      : replies
          .filter((node) => node instanceof RunNode)
          .filter((run) => run.regenerates === id && this.tree.isListed(run))
          .toSorted(bySort)
  }

  /** The run inside which a reply takes the place of a message; undefined for most, which stand for themselves. */
  hostOf(node: TreeNode<M>): RunNode<M> | undefined {
    if (!(node instanceof RunNode) || node.regenerates === undefined || node.parent === undefined) return undefined
    const host = this.tree.nodeOf(node.parent)
    if (!(host instanceof RunNode) || this.tree.nodeOf(node.regenerates) !== host) return undefined
    return this.#previousIn(host).get(node.regenerates) === node.parent ? host : undefined
  }

  /**
   * All versions of a message, oldest first; itself alone when it is not where versions differ. Those of one place are one
   * list.
   */
  at(messageId: string): readonly Sibling<M>[] {
    const node = this.tree.nodeOf(messageId)
    if (!node?.message(messageId)) return []
    const previous = node instanceof RunNode ? this.#previousIn(node).get(messageId) : undefined
    if (previous !== undefined) return this.#insideOf(node as RunNode<M>, previous, messageId)
    const host = this.hostOf(node)
    if (host) return this.#insideOf(host, node.parent!, (node as RunNode<M>).regenerates!)
    return this.#versionsOf(this.#replacing(node) ?? this.of(node))
  }

  #versionsOf(group: readonly TreeNode<M>[]): readonly Sibling<M>[] {
    let versions = this.#versions.get(group)
    if (!versions) this.#versions.set(group, (versions = group.map(alternative)))
    return versions
  }

  #insideOf(host: RunNode<M>, previous: string, id: string): readonly Sibling<M>[] {
    return [{ key: id, node: host, id }, ...this.inside(previous, id).map(alternative)]
  }

  /** For a run whose place others have taken: those, if there are several. */
  #replacing(node: TreeNode<M>): readonly TreeNode<M>[] | undefined {
    if (!(node instanceof RunNode)) return undefined
    const seen = new Set<RunNode<M>>()
    let run = node
    for (let [next] = this.tree.replacementsOf(run); next && !seen.has(run); [next] = this.tree.replacementsOf(run)) {
      seen.add(run)
      run = next
    }
    const group = run === node ? [] : this.of(run)
    return group.length > 1 ? group : undefined
  }

  #previousIn(run: RunNode<M>): ReadonlyMap<string, string | undefined> {
    let previous = this.#previous.get(run)
    if (!previous) {
      const ids = [...run.messageIds()]
      previous = new Map(ids.map((id, index) => [id, ids[index - 1]]))
      this.#previous.set(run, previous)
    }
    return previous
  }

  #group(children: Iterable<TreeNode<M>>): void {
    const groups = new Map<unknown, TreeNode<M>[]>()
    for (const child of children) {
      if (!this.tree.isListed(child) || this.hostOf(child)) continue
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
    const target = replaced(this.tree, node)
    if (target?.forkOf === undefined) return target ?? node
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

const none: readonly never[] = []

const alternative = <M extends object>(node: TreeNode<M>): Sibling<M> => ({
  key: node.key,
  node,
  id: node.messageIds().next().value,
})

/** The prompt that this one is another version of. */
function replaced<M extends object>(tree: SiblingTree<M>, node: InputNode<M>): InputNode<M> | undefined {
  const target = node.forkOf === undefined ? undefined : tree.inputs.get(node.forkOf)
  if (!target?.visible || target.parent !== node.parent) return undefined
  return tree.access.allows('edit', node.owner, target.owner) ? target : undefined
}

/** The place among several alternatives of the one that shows: the one picked last, else the newest. */
export function selectionOf<M extends object>(tree: SiblingTree<M>, keys: readonly string[], choices: Choices): number {
  // NOTE: what has failed stands last, but is not newer than what was sent
  const newestFrom = (from: number): number | undefined => {
    const index = keys.findLastIndex((key) => !tree.inputs.get(key)?.isFailed)
    return index >= from ? index : undefined
  }
  let best = newestFrom(0) ?? keys.length - 1
  let last = 0
  if (choices.picked.size === 0 && !choices.following?.size) return best
  keys.forEach((key, index) => {
    const request = requestOf(tree, key)
    const picked = timeOf(key, request, choices.picked)
    const followed = timeOf(key, request, choices.following)
    const time = Math.max(picked, followed)
    if (time === 0 || time < last) return
    last = time
    best = picked >= followed ? index : (newestFrom(index) ?? index)
  })
  return best
}

/** The request that a reply came from. */
function requestOf(tree: SiblingTree<object>, key: string): string | undefined {
  const inputId = tree.runs.get(key)?.inputId
  // NOTE: a prompt is picked among prompts, which says nothing about the replies to it
  return inputId !== undefined && !tree.inputs.has(inputId) ? inputId : undefined
}

/** When an alternative was picked, or the request that it came from; 0 for never. */
const timeOf = (key: string, request: string | undefined, times: ReadonlyMap<string, number> | undefined): number =>
  Math.max(times?.get(key) ?? 0, (request !== undefined && times?.get(request)) || 0)
