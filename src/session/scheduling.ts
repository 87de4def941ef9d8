import type { Row } from '../core/rows'
import { deferred } from '../core/signals'

/** When gathered changes reach the views: once per animation frame, or at once. */
export type FlushMode = 'frame' | 'sync'

/** The longest that changes wait for a frame, in milliseconds. */
const longestWait = 250

/** Calls `flush` for gathered changes; see {@link FlushMode}. */
export class FlushScheduler {
  readonly #mode: FlushMode
  readonly #flush: () => void
  #frame: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(mode: FlushMode, flush: () => void) {
    this.#mode = mode
    this.#flush = flush
  }

  /** Flushes with the next frame if the page draws frames, else at once. */
  request(): void {
    if (this.#mode === 'sync' || !hasFrames()) return this.now()
    if (this.#frame !== undefined) return
    this.#frame = requestAnimationFrame(this.now)
    // NOTE: a covered or throttled page counts as visible and may get no frames
    this.#timer = setTimeout(this.now, longestWait)
    document.addEventListener('visibilitychange', this.now)
  }

  // NOTE: also on `visibilitychange`: a hidden page gets no frames
  readonly now = (): void => {
    this.cancel()
    this.#flush()
  }

  cancel(): void {
    if (this.#frame === undefined) return
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.now)
    this.#frame = undefined
  }
}

const hasFrames = (): boolean =>
  typeof requestAnimationFrame === 'function' &&
  typeof document !== 'undefined' &&
  document.visibilityState === 'visible'

/** How long work may run before the page gets a chance to react, in milliseconds. */
const sliceTime = 5
/** Until when work may go on in the present task. */
let sliceEnd = 0

/** Calls `step` until it returns false; yields to the page every few milliseconds. */
export async function inSlices(step: () => boolean): Promise<void> {
  while (step()) {
    if (performance.now() < sliceEnd) continue
    await nextTask()
    // NOTE: for all callers together, because one load is several pieces of work that follow each other in one task
    sliceEnd = performance.now() + sliceTime
  }
}

/** How often to look whether items are still being added, in milliseconds. Idle work begins once none was. */
const idleTime = 10

/** Work on items that waits until nothing more important comes, and lets other tasks run in between. */
export class IdleWork<T> {
  readonly #work: (item: T) => void
  readonly #limit: number
  readonly #waiting = new Set<T>()
  #items = this.#waiting.values()
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Whether no item was added since the last look. */
  #isIdle = true

  /** @param limit - how many items may wait; further ones are worked on at once */
  constructor(work: (item: T) => void, limit: number) {
    this.#work = work
    this.#limit = limit
  }

  add(items: readonly T[]): void {
    for (const item of items) {
      if (this.#waiting.size < this.#limit) this.#waiting.add(item)
      else this.#work(item)
    }
    this.#isIdle = false
    if (this.#waiting.size > 0) this.#timer ??= setTimeout(this.#look, idleTime)
  }

  /** Begins in the next task, because more important work has just ended. */
  begin(): void {
    this.cancel()
    this.#isIdle = true
    if (this.#waiting.size > 0) this.#timer = setTimeout(this.#look)
  }

  cancel(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  // NOTE: a timer for each call of `add` would cost more than most calls, and on a busy machine time tells nothing
  readonly #look = (): void => {
    this.#timer = this.#isIdle ? undefined : setTimeout(this.#look, idleTime)
    if (this.#isIdle) void inSlices(() => this.#step())
    this.#isIdle = true
  }

  /** Works on the item that waits for longest; false when none waits. */
  #step(): boolean {
    // NOTE: an iterator that is kept does not pass the places of former items again
    const { value, done } = this.#items.next()
    if (done) this.#items = this.#waiting.values()
    else if (this.#waiting.delete(value)) this.#work(value)
    return !done || this.#waiting.size > 0
  }
}

/** Resolves in a task of its own. */
const nextTask = (): Promise<void> => new Promise((resolve) => (globalThis.setImmediate ?? postTask)(resolve))

// NOTE: browsers delay and throttle timers, but not messages
function postTask(task: () => void): void {
  const { port1, port2 } = new MessageChannel()
  port1.addEventListener('message', () => {
    port1.close()
    task()
  })
  port1.start()
  port2.postMessage(undefined)
}

// NOTE: any publisher can add entries, so their number is limited; for the others Ably's timestamps count
const maxHeard = 1000

/** Knows how long ago messages arrived, and calls back when a subject's deadline has passed. */
export class Deadlines<Subject> {
  readonly #onDue: (subjects: readonly Subject[]) => void
  readonly #heard = new Map<string, number>()
  readonly #moments = new Map<Subject, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #next = Infinity

  constructor(onDue: (subjects: readonly Subject[]) => void) {
    this.#onDue = onDue
  }

  /** Notes that a message has just arrived. */
  hear(serial: string): void {
    this.#heard.set(serial, Date.now())
    if (this.#heard.size > maxHeard) this.#heard.delete(this.#heard.keys().next().value!)
  }

  /** When a row arrived, by this device's clock; by Ably's for a row that was read from history. */
  since({ serial, timestamp }: Row): number {
    return this.#heard.get(serial) ?? Math.min(timestamp, Date.now())
  }

  /** Whether a moment has passed. If not, `onDue` gets the subject when it has. */
  isDue(moment: number, subject: Subject): boolean {
    if (moment <= Date.now()) return true
    this.remind(moment, subject)
    return false
  }

  /** Lets `onDue` get the subject when a moment has passed, or when an earlier one has that was asked for before. */
  remind(moment: number, subject: Subject): void {
    if (moment < (this.#moments.get(subject) ?? Infinity)) this.#moments.set(subject, moment)
    if (moment < this.#next) this.#wait(moment)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#next = Infinity
  }

  #wait(moment: number): void {
    clearTimeout(this.#timer)
    this.#next = moment
    this.#timer = setTimeout(() => this.#expire(), Math.max(moment - Date.now(), 0))
  }

  #expire(): void {
    const now = Date.now()
    const due: Subject[] = []
    let next = (this.#next = Infinity)
    for (const [subject, moment] of this.#moments) {
      if (moment <= now) due.push(subject)
      else next = Math.min(next, moment)
    }
    for (const subject of due) this.#moments.delete(subject)
    if (next < Infinity) this.#wait(next)
    this.#onDue(due)
  }
}

/** Waits for facts, which are looked for after every change: also after every publish. */
export class Waits {
  readonly #waits = new Set<{ look(): void; stop(): void }>()
  /** How many inputs, cancels and steers are on their way. */
  #sending = 0
  #isClosed = false

  /** Resolves with what `find` finds; with undefined after so many milliseconds, and when the session is closed. */
  async until<T>(find: () => T | undefined, limit?: number): Promise<T | undefined> {
    if (this.#isClosed) return undefined
    const { promise, resolve } = deferred<T | undefined>()
    const look = (): void => {
      const found = find()
      if (found) resolve(found)
    }
    const wait = { look, stop: () => resolve(undefined) }
    const timer = limit && setTimeout(wait.stop, limit)
    this.#waits.add(wait)
    look()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waits.delete(wait)
    }
  }

  /** Whether something of this client is on its way to the channel. */
  get isSending(): boolean {
    return this.#sending > 0
  }

  /** @param send - resolves or rejects when the channel has accepted or refused what is on its way */
  async whileSending<T>(send: () => Promise<T>): Promise<T> {
    this.#sending++
    try {
      return await send()
    } finally {
      this.#sending--
      this.review()
    }
  }

  review(): void {
    for (const { look } of this.#waits) look()
  }

  close(): void {
    this.#isClosed = true
    for (const { stop } of this.#waits) stop()
  }
}
