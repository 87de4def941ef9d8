/** When gathered changes reach the views: once per animation frame, or at once. */
export type FlushMode = 'frame' | 'sync'

/** Calls `flush` for gathered changes; see {@link FlushMode}. */
export class FlushScheduler {
  #frame: number | undefined

  constructor(
    private readonly mode: FlushMode,
    private readonly flush: () => void,
  ) {}

  /** Flushes soon: with the next frame where there are frames to come, else at once. */
  request(): void {
    if (this.mode === 'sync' || !hasFrames()) return this.now()
    if (this.#frame !== undefined) return
    this.#frame = requestAnimationFrame(() => this.now())
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
