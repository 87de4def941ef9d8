import { noItems, reuseIfEqual } from '../core/collections'
import { ErrorCode, unableTo } from '../core/errors'
import type { TreeNode } from '../core/node'
import type { PathSegment } from '../core/path'
import type { Signal } from '../core/signals'
import type { Tree } from '../core/tree'
import type { ViewMessage } from '../core/view-message'
import { inSlices } from './scheduling'
import type { Session } from './session'

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
  /** The first message that shows; the messages before it are hidden. */
  #first: Spot<M> | undefined
  /** The lowest level that shows, for paths without that message. */
  #floor = ''
  #path: Path<M> = []
  #messages: readonly ViewMessage<M>[] = noItems
  /** Whether the list has to be made again. */
  #isStale = false
  #hidden = 0

  constructor(tree: Tree<M>) {
    this.#tree = tree
  }

  get hasHidden(): boolean {
    this.#list()
    return this.#hidden > 0
  }

  /** The messages that show; the same list while they are the same. */
  get messages(): readonly ViewMessage<M>[] {
    this.#list()
    return this.#messages
  }

  /** Shows a path from now on. */
  list(path: Path<M>): void {
    this.#path = path
    this.#isStale = true
  }

  #list(): void {
    if (!this.#isStale) return
    this.#isStale = false
    const messages: ViewMessage<M>[] = []
    let hidden = (this.#hidden = this.hiddenCount(this.#path))
    for (const { node, ids } of this.#path) {
      for (let at = 0; at < ids.length; at++) if (--hidden < 0) messages.push(node.viewMessage(ids[at]!))
    }
    this.#messages = reuseIfEqual(this.#messages, messages)
  }

  /** Makes the messages of a path without blocking the page: the `count` oldest ones that show. */
  async prepare(path: Path<M>, count: number): Promise<void> {
    let hidden = this.hiddenCount(path)
    let at = 0
    await inSlices(() => {
      for (const { node, ids } of path.slice(at, (at += stepSize))) {
        for (let index = 0; index < ids.length; index++) {
          // Messages may have gone meanwhile
          if (--hidden < 0 && node.message(ids[index]!)) node.viewMessage(ids[index]!)
        }
      }
      return at < path.length && hidden > -count
    })
  }

  /** Draws the line below the shown messages, after older ones have come into the tree. */
  freeze(): void {
    this.#list()
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
    for (const segment of path) {
      const index = segment.node === node ? segment.ids.indexOf(id!) : -1
      if (index >= 0) return count + index
      if (segment.level >= this.#floor && segment.ids.length > 0) below ??= count
      count += segment.ids.length
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

/** The lists of the view that older messages are loaded into. */
interface ShownPath<M extends object> {
  path(): Path<M>
  prepare(): Promise<void>
}

interface LoadOptions {
  readonly signal?: AbortSignal
  /** Shows the messages that are loaded so far, and answers with their number: before the archive is read, and after a failure. */
  readonly showLoaded?: () => number
}

/** Loads older messages into a view, one load at a time. */
export class OlderMessages<M extends object> {
  readonly #session: Session<M>
  readonly #window: ViewWindow<M>
  readonly #shown: ShownPath<M>
  readonly #changed: Signal
  #loading: Promise<number> | undefined

  constructor(session: Session<M>, window: ViewWindow<M>, shown: ShownPath<M>) {
    this.#session = session
    this.#window = window
    this.#shown = shown
    this.#changed = session.port.signal()
  }

  get isLoading(): boolean {
    this.#changed.track()
    return this.#loading !== undefined
  }

  async load(count: number): Promise<readonly ViewMessage<M>[]> {
    if (!Number.isInteger(count) || count < 1) {
      throw unableTo('load older messages', `count must be a positive integer, not ${count}`, ErrorCode.BadRequest)
    }
    if (this.#loading) return []
    const { tree } = this.#session
    let left = count
    let missing = 0
    const look = (path: Path<M>): number | undefined => {
      missing = left - this.#window.hiddenCount(path)
      return missing > 0 ? undefined : left
    }
    const showLoaded = (): number => {
      const revealed = this.#window.reveal(this.#shown.path(), left)
      left -= revealed
      this.#session.refresh(true)
      return revealed
    }
    // NOTE: the path is walked when enough messages may be there. It gets longer with each page, so a walk for each page is slow
    return this.#show(look, () => tree.messageCount + missing, { showLoaded })
  }

  /** Shows at least `count` messages at once, of those that are loaded. */
  showLoaded(count: number): void {
    const missing = count - this.#window.messages.length
    if (this.#window.reveal(this.#shown.path(), missing) > 0) this.#session.refresh(true)
  }

  /** Shows at least `count` messages, if there are; waits for a load that is running. */
  async fill(count: number): Promise<void> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    const missing = count - this.#window.messages.length
    if (missing > 0 && (this.#window.hasHidden || this.#session.catchUp.hasOlder)) await this.load(missing)
  }

  async loadUntil(predicate: (message: M) => boolean, signal?: AbortSignal): Promise<readonly ViewMessage<M>[]> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    const { tree } = this.#session
    const look = (path: Path<M>): number | undefined => this.#window.hiddenNewerThan(path, predicate)
    return this.#show(look, () => tree.messageCount * 1.25 + 1, { signal })
  }

  /**
   * Reads history until `look` returns how many hidden messages to show. When the history ends before, it shows all messages.
   *
   * @param enough - how many messages the tree should have before another look is worth it
   * @returns the revealed messages, which are the first ones of the list
   */
  async #show(
    look: (path: Path<M>) => number | undefined,
    enough: () => number,
    options: LoadOptions,
  ): Promise<readonly ViewMessage<M>[]> {
    this.#loading = this.#reveal(look, enough, options)
    this.#changed.trigger()
    let revealed = 0
    try {
      revealed = await this.#loading
    } finally {
      this.#loading = undefined
      this.#session.refresh(true)
      this.#changed.trigger()
    }
    return this.#window.messages.slice(0, revealed)
  }

  async #reveal(
    look: (path: Path<M>) => number | undefined,
    enough: () => number,
    { signal, showLoaded = () => 0 }: LoadOptions,
  ): Promise<number> {
    signal?.throwIfAborted()
    let shown = 0
    try {
      for (let hasMore = true; ; hasMore = await this.#read(enough(), signal)) {
        await this.#shown.prepare()
        const count = look(this.#shown.path()) ?? (hasMore ? undefined : Infinity)
        if (count === undefined) {
          if (this.#session.catchUp.isBeforeArchive) shown += showLoaded()
          continue
        }
        const revealed = this.#window.reveal(this.#shown.path(), count)
        await this.#window.prepare(this.#shown.path(), revealed)
        return shown + revealed
      }
    } catch (error) {
      showLoaded()
      throw error
    }
  }

  /** Reads at least a page, until the tree has so many messages; false when there are no more. */
  async #read(enough: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { tree, catchUp } = this.#session
    do {
      signal?.throwIfAborted()
      if (!(await catchUp.loadPage())) return false
    } while (tree.messageCount < enough && !catchUp.isBeforeArchive)
    return true
  }
}
