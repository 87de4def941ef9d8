import { selectionOf, type Sibling, type Choices } from '../core/siblings'
import type { InputNode } from '../core/input-node'
import type { TreeNode } from '../core/node'
import type { Tree } from '../core/tree'
import type { ViewMessage } from '../core/view-message'

/** The alternatives at one place of the conversation, one message each. */
export interface Branch<M> {
  /** Oldest first. */
  readonly siblings: readonly ViewMessage<M>[]
  /** Which of them the view shows. */
  readonly index: number
  readonly selected: ViewMessage<M> | undefined
  readonly hasSiblings: boolean
  /** Shows the sibling at this index; with the newest the view follows those that are newer still. */
  select(index: number): void
}

/** What one view picked where there are alternatives. */
export class Branches<M extends object> implements Choices {
  readonly picked = new Map<string, number>()
  readonly following = new Map<string, number>()
  /** How often something was picked. */
  picks = 0
  /** What has been told about places with several versions, by those, since something was picked. */
  #known = new WeakMap<readonly Sibling<M>[], Branch<M>>()
  #knownPicks = 0

  constructor(private readonly tree: Tree<M>) {}

  /** Shows what was just asked for, by its key or the id of the request, until something newer comes. */
  follow(key: string): void {
    this.following.set(key, ++this.picks)
  }

  /** Shows this version from now on. */
  pick(key: string): void {
    this.picked.set(key, ++this.picks)
  }

  /** Stays with what shows in place of a prompt, unless the new version of it was asked for. */
  stay({ key, forkOf = '' }: InputNode<M>, isShown: (node: TreeNode<M>) => boolean): void {
    if (this.following.has(key)) return
    const shown = this.tree.siblings.at(forkOf).find(({ node }) => isShown(node))
    if (shown) this.pick(shown.key)
  }

  /** The versions of a message: those of its prompt or reply, or of its place inside a run. */
  of(messageId: string, onSelect: (node: TreeNode<M>) => void): Branch<M> {
    const all = this.tree.siblings.at(messageId)
    if (this.#knownPicks !== this.picks) this.#known = new WeakMap()
    this.#knownPicks = this.picks
    let branch = this.#known.get(all)
    if (!branch) this.#known.set(all, (branch = this.#branch(all, onSelect)))
    return branch
  }

  #branch(all: readonly Sibling<M>[], onSelect: (node: TreeNode<M>) => void): Branch<M> {
    const versions = all.filter(({ id }) => id !== undefined)
    const siblings = versions.map(({ node, id }) => node.viewMessage(id!))
    const index = this.#indexIn(versions)
    return {
      siblings,
      index,
      selected: siblings[index],
      hasSiblings: siblings.length > 1,
      select: (wanted) => {
        const version = versions[wanted]
        if (!version) return
        const picks = version === all.at(-1) ? this.following : this.picked
        picks.set(version.key, ++this.picks)
        onSelect(version.node)
      },
    }
  }

  #indexIn(versions: readonly Sibling<M>[]): number {
    const keys = versions.map(({ key }) => key)
    return selectionOf(this.tree, keys, this)
  }
}
