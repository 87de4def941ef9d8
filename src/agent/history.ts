import type { HistoryPage } from '../ably/session-channel'
import type { ChannelMessage } from '../core/wire'

/**
 * Reads a channel's history backwards, page by page, for all runs of a session: each page is read once, whoever needed
 * it first.
 */
export class History {
  #next: (() => Promise<HistoryPage>) | undefined
  #reading: Promise<void> | undefined
  /** Where the last page ended; undefined before the first. */
  #oldest: string | undefined
  #readCount = 0
  /** The lowest serial heard live. */
  #firstHeard: string | undefined

  constructor(
    private readonly first: () => Promise<HistoryPage>,
    /** Takes in a page, oldest message first. */
    private readonly take: (messages: readonly ChannelMessage[]) => void,
  ) {
    this.#next = first
  }

  get isExhausted(): boolean {
    return this.#next === undefined
  }

  /** Messages read so far, by whomever. */
  get readCount(): number {
    return this.#readCount
  }

  /** Takes note of a message that was published while we listened. */
  heard(serial: string): void {
    if (this.#firstHeard === undefined || serial < this.#firstHeard) this.#firstHeard = serial
  }

  /** Whether all there is from `serial` on is known: a page may end inside a prompt of several parts. */
  covers(serial: string): boolean {
    if (this.isExhausted) return true
    const isRead = this.#oldest !== undefined && this.#oldest < serial
    return isRead || (this.#firstHeard !== undefined && this.#firstHeard <= serial)
  }

  /** Starts again from the newest message, after a gap. */
  restart(): void {
    this.#next = this.first
    this.#reading = undefined
    this.#oldest = undefined
    this.#firstHeard = undefined
  }

  /**
   * Reads on until `enough` says so, history ends or so many messages are read, up to the end of a page.
   * @throws {@link SessionError} 104011 when history cannot be read
   */
  async readUntil(enough: () => boolean, maxMessages = Infinity): Promise<void> {
    const end = this.#readCount + maxMessages
    while (this.#readCount < end && !enough() && !this.isExhausted) await this.#readOn()
  }

  /** Reads one more page, or waits for the one that is being read. */
  #readOn(): Promise<void> {
    const reading = (this.#reading ??= this.#readPage(this.#next!).finally(() => {
      if (this.#reading === reading) this.#reading = undefined
    }))
    return reading
  }

  async #readPage(read: () => Promise<HistoryPage>): Promise<void> {
    const page = await read()
    // NOTE: a page that was asked for before a restart says nothing about what lies beyond the gap
    const isCurrent = this.#next === read
    this.#readCount += page.items.length
    this.take(page.items.toReversed())
    if (!isCurrent) return
    this.#next = page.next
    this.#oldest = page.items.at(-1)?.serial ?? this.#oldest
  }
}
