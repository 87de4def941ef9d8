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

/** Calls `step` until it returns false; yields to the page every few milliseconds. */
export async function inSlices(step: () => boolean): Promise<void> {
  for (let end = performance.now() + sliceTime; step();) {
    if (performance.now() < end) continue
    await nextTask()
    end = performance.now() + sliceTime
  }
}

/** How long no item must be added before idle work begins, in milliseconds. */
const idleTime = 10

/** Work on items that waits until nothing more important comes, and lets other tasks run in between. */
export class IdleWork<T> {
  readonly #work: (item: T) => void
  readonly #limit: number
  readonly #waiting = new Set<T>()
  #timer: ReturnType<typeof setTimeout> | undefined
  /** When the work may begin. */
  #from = 0

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
    this.#from = performance.now() + idleTime
    if (this.#waiting.size > 0) this.#timer ??= setTimeout(this.#begin, idleTime)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }

  // NOTE: a timer for each call of `add` would cost more than most calls
  readonly #begin = (): void => {
    const left = this.#from - performance.now()
    this.#timer = left > 1 ? setTimeout(this.#begin, left) : undefined
    if (!this.#timer) void inSlices(() => this.#step())
  }

  /** False when no item waits. */
  #step(): boolean {
    for (const item of this.#waiting) {
      this.#waiting.delete(item)
      this.#work(item)
      return true
    }
    return false
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
