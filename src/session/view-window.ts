import { noItems, reuseIfEqual } from '../core/collections'
import type { PathSegment } from '../core/branch'
import { levelOf, type TreeNode } from '../core/node'
import type { Tree } from '../core/tree'
import type { ViewMessage } from '../core/view-message'
import { inSlices } from './scheduling'

const stepSize = 100

type Path<M extends object> = readonly PathSegment<M>[]

/** One message on a path, by its place. */
interface Spot<M extends object> {
  readonly node: TreeNode<M>
  readonly id: string
  readonly level: string
}

/** How far back a view reaches. Live messages always show; older messages show once they have been asked for. */
export class ViewWindow<M extends object> {
  readonly #tree: Tree<M>
  /** Knows the path to show. */
  readonly #walk: { readonly path: Path<M> }
  /** The first message that shows; the messages before it are hidden. */
  #first: Spot<M> | undefined
  /** The lowest level that shows, for paths without that message. */
  #floor = ''
  /** The path as it shows, and how many messages at its beginning are hidden. */
  #path: Path<M> = []
  #hidden = 0
  /** Whether the path has to be read again. */
  #isStale = true
  #messages: readonly ViewMessage<M>[] = noItems
  /** Whether the messages are those of the path. */
  #isListed = false

  constructor(tree: Tree<M>, walk: { readonly path: Path<M> }) {
    this.#tree = tree
    this.#walk = walk
  }

  get hasHidden(): boolean {
    this.#look()
    return this.#hidden > 0
  }

  /** The messages that show; the same list while they are the same. */
  get messages(): readonly ViewMessage<M>[] {
    this.#look()
    if (this.#isListed) return this.#messages
    this.#isListed = true
    // NOTE: a page of history that is being taken in adds messages to the path
    let hidden = (this.#hidden = this.hiddenCount(this.#path))
    const messages: ViewMessage<M>[] = []
    for (const { node, ids } of this.#path) {
      for (let at = 0; at < ids.length; at++) {
        // NOTE: a page of history can have taken messages away that the path still has
        const message = --hidden < 0 && node.viewMessage(ids[at]!)
        if (message) messages.push(message)
      }
    }
    return (this.#messages = reuseIfEqual(this.#messages, messages))
  }

  /** Lets the next reader list the messages anew. */
  invalidate(): void {
    this.#isStale = true
  }

  #look(): void {
    if (!this.#isStale) return
    this.#isStale = this.#isListed = false
    this.#path = this.#walk.path
    this.#hidden = this.hiddenCount(this.#path)
  }

  /** Makes the messages of a path without blocking the page, and answers with them: the `count` oldest that show. */
  async prepare(path: Path<M>, count: number): Promise<readonly ViewMessage<M>[]> {
    const messages: ViewMessage<M>[] = []
    let hidden = this.hiddenCount(path)
    let at = 0
    await inSlices(() => {
      for (const { node, ids } of path.slice(at, (at += stepSize))) {
        if (messages.length >= count) break
        for (let index = 0; index < ids.length; index++) {
          // NOTE: messages may have gone meanwhile
          const message = --hidden < 0 && node.viewMessage(ids[index]!)
          if (message) messages.push(message)
        }
      }
      return at < path.length && messages.length < count
    })
    return messages.slice(0, count)
  }

  /** Draws the line below the shown messages, after older ones have come into the tree. */
  freeze(): void {
    this.#look()
    this.#hidden = this.hiddenCount(this.#path)
    let count = 0
    let lowest: string | undefined
    for (const { node, ids } of this.#path) {
      count += ids.length
      const isShown = count > this.#hidden && ids.length > 0 && node.serial !== ''
      if (isShown && (lowest === undefined || node.serial < lowest)) lowest = node.serial
    }
    const { newest } = this.#tree.log
    this.#floor = lowest ?? (newest === '' ? '' : `${newest}\uffff`)
    this.#first = spotAt(this.#path, this.#hidden)
  }

  /** Shows a node from now on, because the user has selected it. */
  include({ serial }: TreeNode<M>): void {
    if (serial === '' || serial >= this.#floor) return
    this.#floor = serial
    this.#first = undefined
  }

  /** The number of hidden messages newer than the newest one that matches; undefined when none matches. */
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

  /** Moves the line down by `count` messages; answers with the number of messages that show now. */
  reveal(path: Path<M>, count: number): number {
    const hidden = this.hiddenCount(path)
    const spot = spotAt(path, Math.max(0, hidden - count))
    if (!spot || hidden === 0 || count < 1) return 0
    this.#floor = spot.level
    this.#first = spot
    return Math.min(count, hidden)
  }

  /** The number of messages at the beginning of a path that are hidden. */
  hiddenCount(path: Path<M>): number {
    if (this.#floor === '') return 0
    const { node, id } = this.#first ?? {}
    let count = 0
    let below: number | undefined
    let level = ''
    for (const segment of path) {
      const index = segment.node === node ? segment.ids.indexOf(id!) : -1
      if (index >= 0) return count + index
      level = highest(level, segment.node)
      if (level >= this.#floor && segment.ids.length > 0) below ??= count
      count += segment.ids.length
    }
    return below ?? count
  }
}

function spotAt<M extends object>(path: Path<M>, at: number): Spot<M> | undefined {
  let level = ''
  for (const { node, ids } of path) {
    level = highest(level, node)
    if (at < ids.length) return { node, id: ids[at]!, level }
    at -= ids.length
  }
  return undefined
}

/** The highest level up to a node: a live message behind a later node stands behind it, also if its serial is lower. */
function highest(level: string, node: TreeNode<object>): string {
  const own = levelOf(node)
  return own > level ? own : level
}
