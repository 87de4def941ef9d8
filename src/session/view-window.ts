import type { Stretch } from '../core/branch'
import type { TreeNode } from '../core/node'
import type { ViewMessage } from '../core/view-message'
import type { Tree } from '../core/tree'

/** One message on a path, by where it stands. */
interface Place<M extends object> {
  readonly node: TreeNode<M>
  readonly id: string
  /** The highest sort up to here: what stands behind a later node belongs to it, wherever it sorts. */
  readonly level: string
}

/** How far back a view reaches. What arrives live always shows; older messages show when they have been asked for. */
export class ViewWindow<M extends object> {
  /** The lowest message that is to show; what stands before it is hidden. */
  #first: Place<M> | undefined
  /** Where that message is not on the path: the lowest level that is to show. */
  #floor = ''
  #shown: readonly Place<M>[] = []
  #hidden = 0

  constructor(private readonly tree: Tree<M>) {}

  get hasHidden(): boolean {
    return this.#hidden > 0
  }

  /** The messages to show of a path. */
  messages(path: readonly Stretch<M>[]): readonly ViewMessage<M>[] {
    const places = placesOn(path)
    this.#hidden = this.#countHidden(places)
    this.#shown = places.slice(this.#hidden)
    return this.#shown.map(({ node, id }) => node.viewMessage(id))
  }

  /** Draws the line below what is shown, after older messages have come into the tree. */
  hold(): void {
    let lowest: string | undefined
    for (const { sort } of this.#shown.map(({ node }) => node))
      if (sort !== '' && (lowest === undefined || sort < lowest)) lowest = sort
    const { newest } = this.tree.log
    this.#floor = lowest ?? (newest === '' ? '' : `${newest}\uffff`)
    this.#first = this.#shown[0]
  }

  /** Shows a node from now on: somebody picked it. */
  include({ sort }: TreeNode<M>): void {
    if (sort === '' || sort >= this.#floor) return
    this.#floor = sort
    this.#first = undefined
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

  /** Moves the line down by `count` messages; answers with how many there were. */
  reveal(path: readonly Stretch<M>[], count: number): number {
    const places = placesOn(path)
    const hidden = this.#countHidden(places)
    const place = places[Math.max(0, hidden - count)]
    if (!place || hidden === 0 || count < 1) return 0
    this.#floor = place.level
    this.#first = place
    return Math.min(count, hidden)
  }

  /** Hidden is a beginning of the path. */
  #countHidden(places: readonly Place<M>[]): number {
    if (this.#floor === '') return 0
    const { node, id } = this.#first ?? {}
    const first = node ? places.findIndex((place) => place.node === node && place.id === id) : -1
    if (first >= 0) return first
    const next = places.findIndex((place) => place.node.sort === '' || place.level >= this.#floor)
    return next < 0 ? places.length : next
  }
}

function placesOn<M extends object>(path: readonly Stretch<M>[]): Place<M>[] {
  const places: Place<M>[] = []
  let level = ''
  for (const { node, ids } of path) {
    if (node.sort > level) level = node.sort
    for (const id of ids) places.push({ node, id, level })
  }
  return places
}
