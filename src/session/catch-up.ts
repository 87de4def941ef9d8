import { AbsentChannel } from '../ably/absent-channel'
import type { Channel, HistoryPage } from '../ably/session-channel'
import type { Tree } from '../core/tree'
import type { ChannelMessage } from '../core/wire'

/** How a repair came out; `superseded` when a later one goes on with it. */
export type RepairResult = 'whole' | 'gap' | 'superseded'

/** What a session does with messages on their way into the tree. */
export interface CatchUpHost {
  /** Takes a page of older messages in, by calling `fold`. */
  takePage(fold: () => void): void
  /** Called before a message that was heard live is taken in. */
  beforeLive(message: ChannelMessage): void
  /** Called with a message that means nothing to the tree, or nothing new. */
  unread(message: ChannelMessage): void
}

/**
 * Reads the channel's past into the tree: older pages when a view asks for them, and what was missed when continuity was
 * lost. While it repairs, live messages are held back, so that they are folded after what came before them.
 */
export class CatchUp<M extends object> {
  /** Reads the next older page; undefined before the first one. */
  #next: (() => Promise<HistoryPage>) | undefined
  #exhausted: boolean
  #reading: Promise<boolean> | undefined
  #held: ChannelMessage[] | undefined
  /** Where the tree was last in step with the channel; undefined while it is. */
  #since: string | undefined
  #repairs = 0

  constructor(
    private readonly channel: Channel,
    private readonly tree: Tree<M>,
    private readonly pageSize: number,
    private readonly host: CatchUpHost,
  ) {
    this.#exhausted = channel instanceof AbsentChannel
  }

  /** Whether the channel may hold messages older than those loaded. */
  get hasOlder(): boolean {
    return !this.#exhausted
  }

  /** Takes a live message in, or keeps it until a repair is done. False when it brings nothing new yet. */
  take(message: ChannelMessage): boolean {
    if (!this.#held) return this.#takeLive(message)
    this.#held.push(message)
    return false
  }

  #takeLive(message: ChannelMessage): boolean {
    this.host.beforeLive(message)
    return this.#apply(message)
  }

  #apply(message: ChannelMessage): boolean {
    const isNews = this.tree.apply(message)
    if (!isNews) this.host.unread(message)
    return isNews
  }

  /** Loads one older page; false when there is none. All views share the cursor, and calls at one time share a page. */
  loadPage(): Promise<boolean> {
    return (this.#reading ??= this.#readPage().finally(() => (this.#reading = undefined)))
  }

  async #readPage(): Promise<boolean> {
    if (this.#exhausted) return false
    const page = await (this.#next?.() ?? this.channel.history(this.pageSize))
    this.host.takePage(() => this.#fold(page.items))
    this.#next = page.next
    this.#exhausted = page.next === undefined
    return true
  }

  /** Whether something may have been missed that has not been read back. */
  get isBehind(): boolean {
    return this.#since !== undefined
  }

  /**
   * Notes that messages may have been missed, and holds back live ones from now on; false when there is nothing to read
   * back.
   */
  lose(): boolean {
    this.#since ??= this.tree.resumePoint()
    // NOTE: nothing is known, so nothing can have changed; views read what there is as they ask for it
    if (this.#since === '' && !this.#exhausted) this.#since = this.#next = undefined
    if (this.#since === undefined) return false
    this.#held ??= []
    return true
  }

  /** Reads back to where the tree was last in step. A later repair takes over from an earlier one. */
  async repair(): Promise<RepairResult> {
    const repair = ++this.#repairs
    const isCurrent = (): boolean => repair === this.#repairs
    try {
      const isWhole = await this.#readBack(this.#since ?? '', isCurrent)
      if (!isCurrent()) return 'superseded'
      this.#since = undefined
      return isWhole ? 'whole' : 'gap'
    } catch (cause) {
      if (!isCurrent()) return 'superseded'
      throw cause
    } finally {
      if (isCurrent()) this.#release()
    }
  }

  /** False when history ends before `since`. */
  async #readBack(since: string, isCurrent: () => boolean): Promise<boolean> {
    let page = await this.channel.history(this.pageSize)
    while (isCurrent()) {
      // What is older has not changed, or has not been loaded yet
      this.#fold(page.items.filter(({ serial = '' }) => serial >= since))
      if (since !== '' && page.items.some(({ serial = since }) => serial <= since)) return true
      if (!page.next) return since === ''
      page = await page.next()
    }
    return true
  }

  /** Pages come newest first; oldest first is the order in which rows simply follow one another. */
  #fold(items: HistoryPage['items']): void {
    for (const message of items.toReversed()) this.#apply(message)
  }

  #release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const message of held) this.#takeLive(message)
  }
}
