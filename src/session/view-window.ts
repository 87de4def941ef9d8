import type { TreeNode } from '../core/node'
import type { ViewMessage } from '../core/view-message'
import type { Tree } from '../core/tree'

/** One message on a path, by where it stands. */
interface Place<M extends object> {
  node: TreeNode<M>
  id: string
  index: number
}

/** How far back a view reaches. What arrives live always shows; older messages show when they have been asked for. */
export class ViewWindow<M extends object> {
  /** Nodes that sort before this are hidden. */
  #floor = ''
  /** How many messages of the lowest node are hidden. */
  #cut: { node: TreeNode<M>; count: number } | undefined
  #shown = new Set<TreeNode<M>>()
  #hidden = 0

  constructor(private readonly tree: Tree<M>) {}

  get hasHidden(): boolean {
    return this.#hidden > 0
  }

  /** The messages to show of a path. */
  messages(path: readonly TreeNode<M>[]): readonly ViewMessage<M>[] {
    this.#shown = new Set()
    const messages: ViewMessage<M>[] = []
    this.#hidden = 0
    for (const node of path) {
      let index = 0
      for (const id of node.messageIds()) {
        if (this.#hides(node, index++)) {
          this.#hidden++
        } else {
          this.#shown.add(node)
          messages.push(node.viewMessage(id))
        }
      }
    }
    return messages
  }

  /** Draws the line below what is shown, after older messages have come into the tree. */
  hold(): void {
    let lowest: string | undefined
    for (const { sort } of this.#shown) if (sort !== '' && (lowest === undefined || sort < lowest)) lowest = sort
    const { newest } = this.tree.log
    this.#floor = lowest ?? (newest === '' ? '' : `${newest}\uffff`)
  }

  hiddenCount(path: readonly TreeNode<M>[]): number {
    return this.#hiddenPlaces(path).length
  }

  /** How many hidden messages are newer than the newest that matches; undefined when none matches. */
  hiddenNewerThan(path: readonly TreeNode<M>[], predicate: (message: M) => boolean): number | undefined {
    const hidden = this.#hiddenPlaces(path)
    const match = hidden.findLastIndex(({ node, id }) => predicate(node.message(id)!))
    return match < 0 ? undefined : hidden.length - 1 - match
  }

  /** Moves the line down by `count` messages. */
  reveal(path: readonly TreeNode<M>[], count: number): number {
    const hidden = this.#hiddenPlaces(path)
    const place = hidden[Math.max(0, hidden.length - count)]
    if (!place || count === 0) return 0
    this.#floor = place.node.sort
    this.#cut = { node: place.node, count: place.index }
    return Math.min(count, hidden.length)
  }

  #hides(node: TreeNode<M>, index: number): boolean {
    if (node.sort === '') return false
    return node.sort < this.#floor || (node === this.#cut?.node && index < this.#cut.count)
  }

  #hiddenPlaces(path: readonly TreeNode<M>[]): Place<M>[] {
    return [...places(path)].filter(({ node, index }) => this.#hides(node, index))
  }
}

function* places<M extends object>(path: readonly TreeNode<M>[]): Generator<Place<M>> {
  for (const node of path) {
    let index = 0
    for (const id of node.messageIds()) yield { node, id, index: index++ }
  }
}
