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
    this.host.takePage(() => this.#fold(page))
    this.#next = page.next
    this.#exhausted = page.next === undefined
    return true
  }

  /**
   * Reads back until everything that may have changed is known again: older than the newest message held and than the
   * oldest one still open. A later repair takes over from an earlier one.
   */
  async repair(): Promise<RepairResult> {
    const repair = ++this.#repairs
    const { newest } = this.tree.log
    const open = this.tree.oldestOpen()
    const until = open !== undefined && open < newest ? open : newest
    if (until === '') {
      // NOTE: a channel that was read and found empty may have got its first messages meanwhile
      const wasRead = this.#exhausted
      this.#next = undefined
      this.#exhausted = false
      if (!wasRead) return 'whole'
    }
    this.#held ??= []
    try {
      const isWhole = await this.#readBack(until, () => repair === this.#repairs)
      return repair === this.#repairs ? (isWhole ? 'whole' : 'gap') : 'superseded'
    } finally {
      if (repair === this.#repairs) this.#release()
    }
  }

  /** False when history ends before `until`. */
  async #readBack(until: string, isCurrent: () => boolean): Promise<boolean> {
    let page = await this.channel.history(this.pageSize)
    for (;;) {
      if (!isCurrent()) return true
      this.#fold(page)
      const oldest = page.items.at(-1)?.serial
      if (until !== '' && oldest !== undefined && oldest <= until) return true
      if (!page.next) return until === ''
      page = await page.next()
    }
  }

  /** Pages come newest first; oldest first is the order in which rows simply follow one another. */
  #fold(page: HistoryPage): void {
    for (const message of page.items.toReversed()) this.#apply(message)
  }

  #release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const message of held) this.#takeLive(message)
  }
}
