import { AbsentChannel } from '../ably/absent-channel'
import { continueInArchive } from '../ably/archived-history'
import type { HistoryPage, Reader } from '../ably/history-page'
import { warn } from '../core/diagnostics'
import { unpackRows } from '../core/rows'
import type { ChannelMessage } from '../core/wire'
import type { DehydratedSession, SessionContext } from './context'
import { inSlices } from './scheduling'

/** How many messages of a page are folded at once: the newest first, as if pages were that small. */
const sliceSize = 100

/** The result of a repair; `superseded` when a later repair has taken over. */
type RepairResult = 'whole' | 'gap' | 'superseded'

/**
 * Reads the channel's past into the tree: older pages when a view asks for them, and missed messages when continuity
 * was lost. During a repair live messages are held back, so that they are folded after the messages before them.
 */
export class CatchUp<M extends object> {
  readonly #session: SessionContext<M>
  /** Reads the next older page; undefined before the first one. */
  #next: (() => Promise<HistoryPage>) | undefined
  #exhausted: boolean
  /** Whether the next older page is the first one in the archive, which can take longer. */
  isBeforeArchive = false
  #reading: Promise<boolean> | undefined
  /** Settles, never rejects, when the repair that is running is over. */
  #repairing: Promise<unknown> | undefined
  #held: ChannelMessage[] | undefined
  /** The serial up to which the tree was in step with the channel; undefined while it is in step. */
  #since: string | undefined
  /** How many times messages may have been missed. */
  #losses = 0

  constructor(session: SessionContext<M>) {
    this.#session = session
    this.#exhausted = session.channel instanceof AbsentChannel && !session.channel.rest
  }

  /** Whether the channel may hold messages older than those loaded. */
  get hasOlder(): boolean {
    return !this.#exhausted
  }

  /** The serial up to which nothing is missing; empty when nothing is loaded. */
  get resumePoint(): string {
    return this.#since ?? this.#session.tree.resumePoint()
  }

  /** Whether messages may have been missed and not read back yet. */
  get isBehind(): boolean {
    return this.#since !== undefined
  }

  /** Holds a live message back while a repair is running; false when none is. */
  holdBack(message: ChannelMessage): boolean {
    this.#held?.push(message)
    return this.#held !== undefined
  }

  /** Applies a message to the tree; false when it brings nothing new. */
  apply(message: ChannelMessage): boolean {
    const session = this.#session
    const isNews = session.tree.apply(message) !== undefined
    if (!isNews) warn('newerProtocol', session, message)
    return isNews
  }

  /** Takes in rows of an earlier moment, before the session connects; false when this version cannot read them. */
  resume(rows: DehydratedSession): boolean {
    const unpacked = unpackRows(rows, this.#session.channel.name)
    if (!unpacked) return false
    this.#session.takePage(() => unpacked.messages.forEach((message) => this.apply(message)))
    this.#since = unpacked.until
    this.#exhausted = !rows.hasOlder
    return true
  }

  /**
   * Loads one older page; false when there is none. All views share the cursor, and simultaneous calls share a page.
   *
   * @param reader - reads the page, or rejects
   */
  loadPage(reader: Reader = (read) => read()): Promise<boolean> {
    return (this.#reading ??= this.#readPage(reader).finally(() => (this.#reading = undefined)))
  }

  async #readPage(reader: Reader): Promise<boolean> {
    // NOTE: a repair that is running finds the place where older pages begin
    if (!this.#next) await this.#repairing
    if (this.#exhausted) return false
    const page = await reader(() => this.#olderPage())
    let at = 0
    await inSlices(() => {
      this.#session.takePage(() => this.#fold(page.items.slice(at, (at += sliceSize))))
      return at < page.items.length
    })
    this.#goOnFrom(page)
    return true
  }

  /** The page before those loaded; the newest one again if messages were missed while it was read. */
  async #olderPage(): Promise<HistoryPage> {
    const losses = this.#losses
    const page = await (this.#next?.() ?? this.#newestPage())
    return this.#next || losses === this.#losses ? page : this.#olderPage()
  }

  /** Notes that messages may have been missed, and holds live ones back; false when there is nothing to read back. */
  begin(): boolean {
    this.#losses++
    this.#since ??= this.#session.tree.resumePoint()
    // NOTE: an empty tree has missed nothing; views read history as they ask for it
    if (this.#since === '' && !this.#exhausted) this.#since = this.#next = undefined
    if (this.#since === undefined) return false
    this.#held ??= []
    return true
  }

  /** Reads back to the resume point. A later repair takes over from an earlier one. */
  repair(): Promise<RepairResult> {
    const result = this.#repair()
    this.#repairing = result.catch(() => undefined)
    return result
  }

  async #repair(): Promise<RepairResult> {
    const losses = this.#losses
    const isCurrent = (): boolean => losses === this.#losses
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
    let page = await this.#newestPage()
    while (isCurrent()) {
      this.#fold(page.items.filter(({ serial = '' }) => serial >= since))
      const isBack = since !== '' && page.items.some(({ serial = since }) => serial <= since)
      if (isBack || !page.next) {
        this.#leaveOff(page, since)
        return isBack || since === ''
      }
      page = await page.next()
    }
    return true
  }

  /** Older messages than those loaded begin in the last page of a repair, unless older pages have been read before. */
  #leaveOff(page: HistoryPage, since: string): void {
    if (this.#next || this.#exhausted) return
    this.#session.takePage(() => this.#fold(page.items.filter(({ serial = '' }) => serial < since)))
    this.#goOnFrom(page)
  }

  #goOnFrom({ next, isBeforeArchive = false }: HistoryPage): void {
    this.#next = next
    this.#exhausted = next === undefined
    this.isBeforeArchive = isBeforeArchive
  }

  async #newestPage(): Promise<HistoryPage> {
    const { channel, options } = this.#session
    const { archive, historyPageSize: limit = 100 } = options
    return continueInArchive(await channel.history(limit), { archive, sessionName: channel.name, limit })
  }

  /** Pages come newest first; oldest first is the order in which rows simply follow one another. */
  #fold(items: HistoryPage['items']): void {
    for (let index = items.length - 1; index >= 0; index--) this.apply(items[index]!)
  }

  #release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const message of held) this.#session.hear(message)
    this.#session.refresh()
  }
}
