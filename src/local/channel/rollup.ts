import type { Change, Entry } from './log'
import { appendData, byteLength, checkAppend } from './payload'
import { MessageAction } from '../wire/protocol'

/** The default window, in ms. */
const DEFAULT_WINDOW = 40

/** The longest window that a publisher may request, in ms. */
export const MAX_WINDOW = 500

/** Reads the `appendRollupWindow` transport parameter. */
export function readWindow(value: string | null): number {
  const window = value === null || value === '' ? DEFAULT_WINDOW : Number(value)
  return Number.isFinite(window) ? Math.min(Math.max(window, 0), MAX_WINDOW) : DEFAULT_WINDOW
}

interface Held {
  change?: Change
  timer: NodeJS.Timeout
}

/**
 * Merges appends in quick succession. The first goes out at once and opens a window; further appends of the same
 * publisher to that message go out as one change when the window ends.
 */
export class Rollup {
  readonly #held = new Map<Entry, Held & { publisher: string | undefined }>()
  readonly #apply: (entry: Entry, change: Change) => void
  readonly #maxSize: number

  constructor(apply: (entry: Entry, change: Change) => void, maxSize: number) {
    this.#apply = apply
    this.#maxSize = maxSize
  }

  /** Whether no append is held back. */
  get isIdle() {
    return this.#held.size === 0
  }

  /**
   * Throws if a change cannot be applied.
   * @throws ProtocolError 40013 if text would be appended to bytes or the reverse
   */
  check(entry: Entry, change: Change) {
    if (change.action !== MessageAction.Append) return
    checkAppend(this.#held.get(entry)?.change?.content.data ?? entry.message.data, change.content.data)
  }

  /** Applies a change now or at the end of the window. */
  offer(entry: Entry, change: Change, window: number) {
    const held = this.#held.get(entry)
    const isAppend = change.action === MessageAction.Append
    if (held && held.publisher === change.connectionId && window > 0) {
      this.#hold(entry, held, change)
      return
    }
    if (held) this.#release(entry)
    this.#apply(entry, change)
    if (isAppend && window > 0) {
      this.#held.set(entry, { publisher: change.connectionId, timer: this.#open(entry, window) })
    }
  }

  /** Applies all held changes, so that a reader sees everything acknowledged. */
  flush() {
    for (const entry of this.#held.keys()) this.#release(entry)
  }

  /** Drops the held changes and stops all timers. */
  clear() {
    for (const held of this.#held.values()) clearTimeout(held.timer)
    this.#held.clear()
  }

  #hold(entry: Entry, held: Held, change: Change) {
    const merged = held.change && merge(held.change, change, this.#maxSize)
    if (held.change && !merged) this.#apply(entry, held.change)
    held.change = merged ?? change
  }

  #open(entry: Entry, window: number): NodeJS.Timeout {
    return setTimeout(() => {
      const held = this.#held.get(entry)
      if (!held?.change) {
        this.#held.delete(entry)
        return
      }
      this.#apply(entry, held.change)
      held.change = undefined
      held.timer = this.#open(entry, window)
    }, window)
  }

  #release(entry: Entry) {
    const held = this.#held.get(entry)
    if (!held) return
    clearTimeout(held.timer)
    this.#held.delete(entry)
    if (held.change) this.#apply(entry, held.change)
  }
}

/** Two changes merged into one, or `undefined` if they must go out one after the other. */
function merge(first: Change, second: Change, maxSize: number): Change | undefined {
  const a = first.content
  const b = second.content
  const content = { ...a, name: b.name ?? a.name, extras: b.extras ?? a.extras }
  if (second.action !== MessageAction.Append) {
    const isWhole = b.data !== undefined
    if (first.action === MessageAction.Append && !isWhole) return undefined
    return { ...second, content: isWhole ? { ...content, data: b.data, encoding: b.encoding } : content }
  }
  const fits = byteLength(a.data) + byteLength(b.data) <= maxSize
  if (!fits || a.data === undefined || (b.data !== undefined && a.encoding !== b.encoding)) return undefined
  const action = first.action === MessageAction.Append ? first.action : MessageAction.Update
  return { ...second, action, content: { ...content, data: appendData(a.data, b.data) } }
}
