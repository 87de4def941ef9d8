import type { PathSegment } from '../core/branch'
import type { TreeNode } from '../core/node'
import { RunNode } from '../core/run-node'
import { sameItems } from '../core/collections'
import type { ViewMessage } from '../core/view-message'
import type { Tree } from '../core/tree'
import { inSlices } from './slices'

const stepSize = 100

type Path<M extends object> = readonly PathSegment<M>[]

/** One message on a path, by where it stands. */
interface Spot<M extends object> {
  readonly node: TreeNode<M>
  readonly id: string
  readonly level: string
}

/** How far back a view reaches. What arrives live always shows; older messages show when they have been asked for. */
export class ViewWindow<M extends object> {
  /** The lowest message that is to show; what stands before it is hidden. */
  #first: Spot<M> | undefined
  /** Where that message is not on the path: the lowest level that is to show. */
  #floor = ''
  #path: Path<M> = []
  /** How much of the path has been listed: its stretches, and the messages of the last of them. */
  #listed = { stretches: 0, ids: 0 }
  #messages: readonly ViewMessage<M>[] = []
  #hidden = 0

  constructor(private readonly tree: Tree<M>) {}

  get hasHidden(): boolean {
    return this.#hidden > 0
  }

  /** The messages that show; the same list while they are the same. */
  get messages(): readonly ViewMessage<M>[] {
    return this.#messages
  }

  /** Lists the messages to show of a path. */
  list(path: Path<M>): void {
    const messages: ViewMessage<M>[] = []
    let hidden = (this.#hidden = this.hiddenCount(path))
    for (const { node, ids } of path) {
      for (const id of ids) if (--hidden < 0) messages.push(node.viewMessage(id))
    }
    if (!sameItems(messages, this.#messages)) this.#messages = messages
    this.#note(path)
  }

  /** Makes what is to be listed, runs included, without keeping the page from reacting. */
  async prepare(path: Path<M>): Promise<void> {
    let hidden = this.hiddenCount(path)
    let at = 0
    await inSlices(() => {
      for (const { node, ids } of path.slice(at, (at += stepSize))) {
        if (node instanceof RunNode) this.tree.info(node)
        // What has gone meanwhile is made no more
        for (const id of ids) if (--hidden < 0 && node.message(id)) node.viewMessage(id)
      }
      return at < path.length
    })
  }

  /** The same for a path that has only got longer. */
  extend(path: Path<M>): void {
    if (this.#messages.length === 0 || path !== this.#path) return this.list(path)
    const { stretches, ids } = this.#listed
    const added = path.slice(stretches - 1).flatMap((stretch, index) => {
      const came = index === 0 ? stretch.ids.slice(ids) : stretch.ids
      return came.map((id) => stretch.node.viewMessage(id))
    })
    if (added.length > 0) this.#messages = [...this.#messages, ...added]
    this.#note(path)
  }

  #note(path: Path<M>): void {
    this.#path = path
    this.#listed = { stretches: path.length, ids: path.at(-1)?.ids.length ?? 0 }
  }

  /** Draws the line below what is shown, after older messages have come into the tree. */
  hold(): void {
    let count = 0
    let lowest: string | undefined
    for (const { node, ids } of this.#path) {
      count += ids.length
      const isShown = count > this.#hidden && ids.length > 0 && node.sort !== ''
      if (isShown && (lowest === undefined || node.sort < lowest)) lowest = node.sort
    }
    const { newest } = this.tree.log
    this.#floor = lowest ?? (newest === '' ? '' : `${newest}\uffff`)
    this.#first = spotAt(this.#path, this.#hidden)
  }

  /** Shows a node from now on: somebody picked it. */
  include({ sort }: TreeNode<M>): void {
    if (sort === '' || sort >= this.#floor) return
    this.#floor = sort
    this.#first = undefined
  }

  /** How many hidden messages are newer than the newest that matches; undefined when none matches. */
  hiddenNewerThan(path: Path<M>, predicate: (message: M) => boolean): number | undefined {
    const hidden = this.hiddenCount(path)
    let at = path.reduce((count, { ids }) => count + ids.length, 0)
    for (const { node, ids } of path.toReversed()) {
      for (const id of ids.toReversed()) {
        if (--at < hidden && predicate(node.message(id)!)) return hidden - 1 - at
      }
    }
    return undefined
  }

  /** Moves the line down by `count` messages; answers with how many there were. */
  reveal(path: Path<M>, count: number): number {
    const hidden = this.hiddenCount(path)
    const spot = spotAt(path, Math.max(0, hidden - count))
    if (!spot || hidden === 0 || count < 1) return 0
    this.#floor = spot.level
    this.#first = spot
    return Math.min(count, hidden)
  }

  /** Hidden is a beginning of the path. */
  hiddenCount(path: Path<M>): number {
    if (this.#floor === '') return 0
    const { node, id } = this.#first ?? {}
    let count = 0
    let below: number | undefined
    for (const stretch of path) {
      const index = stretch.node === node ? stretch.ids.indexOf(id!) : -1
      if (index >= 0) return count + index
      if (stretch.level >= this.#floor && stretch.ids.length > 0) below ??= count
      count += stretch.ids.length
    }
    return below ?? count
  }
}

function spotAt<M extends object>(path: Path<M>, at: number): Spot<M> | undefined {
  for (const { node, ids, level } of path) {
    if (at < ids.length) return { node, id: ids[at]!, level }
    at -= ids.length
  }
  return undefined
}
