/** When gathered changes reach the views: once per animation frame, or at once. */
export type FlushMode = 'frame' | 'sync'

/** How long changes wait for a frame, in milliseconds. */
const longestWait = 250

/** Calls `flush` for gathered changes; see {@link FlushMode}. */
export class FlushScheduler {
  #frame: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly mode: FlushMode,
    private readonly flush: () => void,
  ) {}

  /** Flushes soon: with the next frame where there are frames to come, else at once. */
  request(): void {
    if (this.mode === 'sync' || !hasFrames()) return this.now()
    if (this.#frame !== undefined) return
    this.#frame = requestAnimationFrame(() => this.now())
    // NOTE: a page that is covered or throttled counts as visible and may get no frames
    this.#timer = setTimeout(() => this.now(), longestWait)
    document.addEventListener('visibilitychange', this.#onHidden)
  }

  /** Flushes what has been gathered. */
  now(): void {
    this.cancel()
    this.flush()
  }

  cancel(): void {
    if (this.#frame === undefined) return
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.#onHidden)
    this.#frame = undefined
  }

  // NOTE: a hidden page gets no frames, so what waits for one would wait until somebody looks again
  readonly #onHidden = (): void => this.now()
}

const hasFrames = (): boolean =>
  typeof requestAnimationFrame === 'function' &&
  typeof document !== 'undefined' &&
  document.visibilityState === 'visible'
