import type { InputNode } from '../core/input-node'
import type { TreeNode } from '../core/node'
import { selectionOf, type Choices, type Sibling } from '../core/siblings'
import type { Tree } from '../core/tree'
import type { ViewMessage } from '../core/view-message'
import type { DehydratedSession } from './context'
import type { PendingInput } from './submission'

/** The alternatives at one place of the conversation, one message each. */
export interface Branch<M> {
  /** Oldest first. */
  readonly siblings: readonly ViewMessage<M>[]
  /** The index of the one that the view shows. */
  readonly index: number
  readonly selected: ViewMessage<M> | undefined
  readonly hasSiblings: boolean
  /** Shows the sibling at this index; after the newest was selected, the view shows newer ones as they arrive. */
  select(index: number): void
}

type Picks = Pick<DehydratedSession, 'picked' | 'following'>

/** The choices of one view among alternatives. */
export class Branches<M extends object> implements Choices {
  readonly picked = new Map<string, number>()
  readonly following = new Set<string>()
  /** How often a choice has changed what shows. */
  changes = 0
  /** Orders the choices. */
  #picks = 0
  readonly #tree: Tree<M>
  /** Branches by their siblings, since the last choice. */
  #known = new WeakMap<readonly Sibling<M>[], Branch<M>>()

  constructor(tree: Tree<M>) {
    this.#tree = tree
  }

  /** Shows an own new version, by its key or the id of its request, until a newer one arrives. */
  follow(key: string): void {
    this.pick(key)
    this.following.add(key)
  }

  /** Shows this version from now on. */
  pick(key: string): void {
    this.#choose(key)
    this.changes++
  }

  dehydrate(): Picks {
    return { picked: [...this.picked.keys()], following: [...this.following] }
  }

  /** Makes the choices of another view, before the conversation is there. */
  resume({ picked, following }: Picks): void {
    // NOTE: they can come from a page that was rendered by another version
    if (Array.isArray(picked)) for (const key of picked as string[]) this.pick(key)
    if (Array.isArray(following)) for (const key of following as string[]) this.following.add(key)
  }

  #choose(key: string): void {
    // NOTE: a key that is set anew goes to the end, so the keys stand in the order of the choices
    this.picked.delete(key)
    this.picked.set(key, ++this.#picks)
    this.following.delete(key)
    this.#known = new WeakMap()
  }

  /** Whether the reply to one of these requests will show in place of a message. */
  willReplace(messageId: string, requests: readonly PendingInput[]): boolean {
    if (requests.length === 0) return false
    const versions = this.#tree.siblings.at(messageId)
    const requested = requests.map(({ inputId }) => ({ key: inputId }))
    return selectionOf(this.#tree, [...versions, ...requested], this) >= versions.length
  }

  /** Keeps the shown version of a prompt when another client edits it; own edits are followed. */
  stay({ key, forkOf = '' }: InputNode<M>, shownIn: (group: readonly TreeNode<M>[]) => TreeNode<M> | undefined): void {
    const target = this.#tree.inputs.get(forkOf)
    if (this.following.has(key) || !target) return
    const shown = shownIn(this.#tree.siblings.of(target))
    if (!shown || shown.key === key || (this.picked.has(shown.key) && !this.following.has(shown.key))) return
    this.#choose(shown.key)
  }

  /** The versions of a message: those of its prompt or reply, or of its place inside a run. */
  of(messageId: string, onSelect: (node: TreeNode<M>) => void): Branch<M> {
    const all = this.#tree.siblings.at(messageId)
    let branch = this.#known.get(all)
    if (!branch) this.#known.set(all, (branch = this.#branch(all, onSelect)))
    return branch
  }

  #branch(all: readonly Sibling<M>[], onSelect: (node: TreeNode<M>) => void): Branch<M> {
    const versions = all.filter(({ id }) => id !== undefined)
    const siblings = versions.map(({ node, id }) => node.viewMessage(id!)!)
    const index = selectionOf(this.#tree, versions, this)
    return {
      siblings,
      index,
      selected: siblings[index],
      hasSiblings: siblings.length > 1,
      select: (wanted) => {
        const version = versions[wanted]
        if (!version) return
        if (version === all.at(-1)) this.follow(version.key)
        else this.pick(version.key)
        onSelect(version.node)
      },
    }
  }
}
