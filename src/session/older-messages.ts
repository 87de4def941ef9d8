import type { PathSegment } from '../core/branch'
import { badRequest } from '../core/errors'
import type { Signal } from '../core/signals'
import type { ViewMessage } from '../core/view-message'
import type { Session } from './session'
import type { ViewLists } from './view-lists'

interface LoadOptions {
  readonly signal?: AbortSignal
  /**
   * Shows the messages that are loaded so far, and answers with their number: before the archive is read, and after a
   * failure.
   */
  readonly showLoaded?: () => number
}

/** Loads older messages into a view, one load at a time. */
export class OlderMessages<M extends object> {
  readonly #session: Session<M>
  readonly #lists: ViewLists<M>
  readonly #changed: Signal
  #loading: Promise<readonly ViewMessage<M>[]> | undefined

  constructor(session: Session<M>, lists: ViewLists<M>) {
    this.#session = session
    this.#lists = lists
    this.#changed = session.port.signal()
  }

  get isLoading(): boolean {
    this.#changed.track()
    return this.#loading !== undefined
  }

  async load(count: number): Promise<readonly ViewMessage<M>[]> {
    if (!Number.isInteger(count) || count < 1) {
      throw badRequest('load older messages', `count must be a positive integer, not ${count}`)
    }
    if (this.#loading) return []
    const { tree } = this.#session
    let left = count
    let missing = 0
    const look = (path: readonly PathSegment<M>[]): number | undefined => {
      missing = left - this.#lists.window.hiddenCount(path)
      return missing > 0 ? undefined : left
    }
    const showLoaded = (): number => {
      const revealed = this.#lists.window.reveal(this.#lists.path(), left)
      left -= revealed
      this.#session.refresh(true)
      return revealed
    }
    // NOTE: the path is walked when enough messages may be there. It gets longer with each page, so a walk for each
    // page is slow
    return this.#show(look, () => tree.messageCount + missing, { showLoaded })
  }

  /** Shows at least `count` messages at once, of those that are loaded. */
  showLoaded(count: number): void {
    this.#lists.window.reveal(this.#lists.path(), count - this.#lists.window.messages.length)
    this.#session.refresh(true)
  }

  /** Shows at least `count` messages, if there are; waits for a load that is running. */
  async fill(count: number): Promise<void> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    const missing = count - this.#lists.window.messages.length
    if (missing > 0 && (this.#lists.window.hasHidden || this.#session.catchUp.hasOlder)) await this.load(missing)
  }

  async loadUntil(predicate: (message: M) => boolean, signal?: AbortSignal): Promise<readonly ViewMessage<M>[]> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    const { tree } = this.#session
    const look = (path: readonly PathSegment<M>[]): number | undefined =>
      this.#lists.window.hiddenNewerThan(path, predicate)
    return this.#show(look, () => tree.messageCount * 1.25 + 1, { signal })
  }

  /**
   * Reads history until `look` returns how many hidden messages to show. When the history ends before, it shows all
   * messages.
   *
   * @param enough - how many messages the tree should have before another look is worth it
   * @returns the revealed messages, which are the first ones of the list
   */
  async #show(
    look: (path: readonly PathSegment<M>[]) => number | undefined,
    enough: () => number,
    options: LoadOptions,
  ): Promise<readonly ViewMessage<M>[]> {
    this.#loading = this.#reveal(look, enough, options)
    this.#changed.trigger()
    try {
      return await this.#loading
    } finally {
      this.#loading = undefined
      this.#session.refresh(true)
      this.#changed.trigger()
    }
  }

  async #reveal(
    look: (path: readonly PathSegment<M>[]) => number | undefined,
    enough: () => number,
    { signal, showLoaded = () => 0 }: LoadOptions,
  ): Promise<readonly ViewMessage<M>[]> {
    signal?.throwIfAborted()
    let shown = 0
    try {
      for (let hasMore = true; ; hasMore = await this.#read(enough(), signal)) {
        await this.#lists.prepare()
        const count = look(this.#lists.path()) ?? (hasMore ? undefined : Infinity)
        if (count === undefined) {
          if (this.#session.catchUp.isBeforeArchive) shown += showLoaded()
          continue
        }
        const revealed = this.#lists.window.reveal(this.#lists.path(), count)
        return await this.#lists.window.prepare(this.#lists.path(), shown + revealed)
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
