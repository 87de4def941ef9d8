import type { Stretch } from '../core/branch'
import type { TreeNode } from '../core/node'
import type { ViewMessage } from '../core/view-message'
import type { Tree } from '../core/tree'

/** One message on a path, by where it stands. */
interface Place<M extends object> {
  node: TreeNode<M>
  id: string
  /** Which of its node's messages it is. */
  index: number
  /** The highest sort up to here: what stands behind a later node belongs to it, wherever it sorts. */
  level: string
}

/** How far back a view reaches. What arrives live always shows; older messages show when they have been asked for. */
export class ViewWindow<M extends object> {
  /** What stands before the first node of this level is hidden. */
  #floor = ''
  /** The lowest node that shows, and how many of its messages are hidden. */
  #cut: { node: TreeNode<M>; count: number } | undefined
  #shown = new Set<TreeNode<M>>()
  #hidden = 0

  constructor(private readonly tree: Tree<M>) {}

  get hasHidden(): boolean {
    return this.#hidden > 0
  }

  /** The messages to show of a path. */
  messages(path: readonly Stretch<M>[]): readonly ViewMessage<M>[] {
    const places = placesOn(path)
    this.#hidden = this.#countHidden(places)
    const shown = places.slice(this.#hidden)
    this.#shown = new Set(shown.map(({ node }) => node))
    return shown.map(({ node, id }) => node.viewMessage(id))
  }

  /** Draws the line below what is shown, after older messages have come into the tree. */
  hold(): void {
    let lowest: string | undefined
    for (const { sort } of this.#shown) if (sort !== '' && (lowest === undefined || sort < lowest)) lowest = sort
    const { newest } = this.tree.log
    this.#floor = lowest ?? (newest === '' ? '' : `${newest}\uffff`)
  }

  /** Shows a node from now on: somebody picked it. */
  include({ sort }: TreeNode<M>): void {
    if (sort === '' || sort >= this.#floor) return
    this.#floor = sort
    this.#cut = undefined
  }

  hiddenCount(path: readonly Stretch<M>[]): number {
    return this.#countHidden(placesOn(path))
  }

  /** How many hidden messages are newer than the newest that matches; undefined when none matches. */
  hiddenNewerThan(path: readonly Stretch<M>[], predicate: (message: M) => boolean): number | undefined {
    const places = placesOn(path)
    const hidden = places.slice(0, this.#countHidden(places))
    const match = hidden.findLastIndex(({ node, id }) => predicate(node.message(id)!))
    return match < 0 ? undefined : hidden.length - 1 - match
  }

  /** Moves the line down by `count` messages. */
  reveal(path: readonly Stretch<M>[], count: number): void {
    const places = placesOn(path)
    const hidden = this.#countHidden(places)
    const place = places[Math.max(0, hidden - count)]
    if (!place || hidden === 0 || count === 0) return
    this.#floor = place.level
    this.#cut = { node: place.node, count: place.index }
  }

  /** Hidden is a beginning of the path. */
  #countHidden(places: readonly Place<M>[]): number {
    if (this.#floor === '') return 0
    const cut = this.#cut && places.findLastIndex((place) => this.#isCut(place))
    if (cut !== undefined && cut >= 0) return cut + 1
    const first = places.findIndex(({ node, level }) => node.sort === '' || level >= this.#floor)
    return first < 0 ? places.length : first
  }

  #isCut({ node, index }: Place<M>): boolean {
    return node === this.#cut?.node && index < this.#cut.count
  }
}

function placesOn<M extends object>(path: readonly Stretch<M>[]): Place<M>[] {
  const places: Place<M>[] = []
  let level = ''
  for (const { node, ids } of path) {
    if (node.sort > level) level = node.sort
    for (const [index, id] of ids.entries()) places.push({ node, id, index, level })
  }
  return places
}
