import type { HistoryPage } from '../ably/history-page'
import type { Row } from '../core/rows'
import { Header, isClients, type ChannelMessage } from '../core/wire'
import { deferred, longestDelay } from '../core/signals'

/** Reads a channel's history backwards for all runs of a session; each page is read once. */
export class History {
  readonly #first: () => Promise<HistoryPage>
  readonly #take: (messages: readonly ChannelMessage[]) => void
  #next: (() => Promise<HistoryPage>) | undefined
  #reading: Promise<void> | undefined
  /** The oldest serial of the last page; undefined before the first page. */
  #oldest: string | undefined
  #readCount = 0
  /** The lowest serial that was heard live. */
  #firstHeard: string | undefined

  /**
   * @param first - reads the newest page
   * @param take - receives each page, oldest message first
   */
  constructor(first: () => Promise<HistoryPage>, take: (messages: readonly ChannelMessage[]) => void) {
    this.#first = this.#next = first
    this.#take = take
  }

  get isExhausted(): boolean {
    return this.#next === undefined
  }

  /** Messages read so far. */
  get readCount(): number {
    return this.#readCount
  }

  /** Notes the serial of a message that was heard live. */
  noteHeard(serial: string): void {
    if (this.#firstHeard === undefined || serial < this.#firstHeard) this.#firstHeard = serial
  }

  /** Whether every message from `serial` on is known. A page may end between the parts of one prompt. */
  covers(serial: string): boolean {
    if (this.isExhausted) return true
    const isRead = this.#oldest !== undefined && this.#oldest < serial
    return isRead || (this.#firstHeard !== undefined && this.#firstHeard <= serial)
  }

  /** Starts again from the newest message, after a gap. */
  restart(): void {
    this.#next = this.#first
    this.#reading = undefined
    this.#oldest = undefined
    this.#firstHeard = undefined
  }

  /**
   * Reads whole pages until `isEnough` returns true, history ends, or `maxMessages` more messages are read.
   * @throws {@link SessionError} 104011 when history cannot be read
   */
  async readUntil(isEnough: () => boolean, maxMessages = Infinity): Promise<void> {
    const end = this.#readCount + maxMessages
    while (this.#readCount < end && !isEnough() && !this.isExhausted) await this.#readOn()
  }

  /** Reads one more page, or waits for the page that is being read. */
  #readOn(): Promise<void> {
    const reading = (this.#reading ??= this.#readPage(this.#next!).finally(() => {
      if (this.#reading === reading) this.#reading = undefined
    }))
    return reading
  }

  async #readPage(read: () => Promise<HistoryPage>): Promise<void> {
    const page = await read()
    // NOTE: a page requested before a restart lies on the near side of the gap
    const isCurrent = this.#next === read
    this.#readCount += page.items.length
    this.#take(page.items.toReversed())
    if (!isCurrent) return
    this.#next = page.next
    this.#oldest = page.items.at(-1)?.serial ?? this.#oldest
  }
}

const sweepFrom = 1000

/** The inputs and cancels heard or read so far, by event id: an agent can be woken for each. */
export class TriggerIndex {
  readonly #rows = new Map<string, Row>()
  readonly #isKept: (row: Row) => boolean
  #sweepAt = sweepFrom

  /** @param isKept - whether the conversation has kept a row: of a flood of cancels it keeps few */
  constructor(isKept: (row: Row) => boolean = () => true) {
    this.#isKept = isKept
  }

  /** Adds an input or a cancel. A prompt of several parts has several rows with one event id: the first part counts. */
  add(row: Row): void {
    const eventId = isClients(row.name) ? row.transport[Header.eventId] : undefined
    if (eventId === undefined) return
    const known = this.#rows.get(eventId)
    if (!known || known.serial > row.serial) this.#rows.set(eventId, row)
  }

  /** Forgets the rows that the conversation has not kept, once there are many. */
  sweep(): void {
    if (this.#rows.size <= this.#sweepAt) return
    for (const [eventId, row] of this.#rows) if (!this.#isKept(row)) this.#rows.delete(eventId)
    this.#sweepAt = Math.max(sweepFrom, this.#rows.size * 2)
  }

  find(eventId: string): Row | undefined {
    return this.#rows.get(eventId)
  }
}

/** Calls back whenever something new was heard or read; returns a function that ends that. */
type Observe = (listener: () => void) => () => void

interface WaitOptions<T> {
  /** Returns the value once it is there, else undefined. */
  readonly look: () => T | undefined
  /** Reads history in the meantime, until `isOver` returns true. */
  readonly read?: (isOver: () => boolean) => Promise<void>
  /** In milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

/**
 * Waits until `look` finds a value; resolves with undefined after `timeout`. Rejects when reading fails, or with the
 * signal's reason when that aborts.
 *
 * @param onHeard - tells when to look again
 */
export async function waitFor<T>(
  { onHeard }: { readonly onHeard: Observe },
  { look, read, timeout, signal }: WaitOptions<T>,
): Promise<T | undefined> {
  const { promise, resolve, reject } = deferred<T | undefined>()
  let isOver = false
  const lookAgain = (): void => {
    const found = look()
    if (found === undefined) return
    isOver = true
    resolve(found)
  }
  const abort = (): void => {
    isOver = true
    reject(signal!.reason)
  }
  const stop = onHeard(lookAgain)
  const timer = setTimeout(() => resolve(undefined), Math.min(timeout, longestDelay))
  signal?.addEventListener('abort', abort)
  try {
    lookAgain()
    if (signal?.aborted) abort()
    read?.(() => isOver).catch(reject)
    return await promise
  } finally {
    isOver = true
    stop()
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
