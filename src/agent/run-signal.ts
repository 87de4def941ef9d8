import { abortReason } from './abort-reason'

/** What tells the work of a run to stop. */
export class RunSignal {
  readonly #controller = new AbortController()
  #isStopped = false

  constructor(
    /** Stops the run too, once it is followed. */
    private readonly given?: AbortSignal,
  ) {}

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether somebody wants the run stopped; its signal aborts too when it ends while something is being written. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Begins to heed the signal that the run was given. */
  follow(): void {
    this.given?.addEventListener('abort', this.#heed)
    if (this.given?.aborted) this.#heed()
  }

  unfollow(): void {
    this.given?.removeEventListener('abort', this.#heed)
  }

  readonly #heed = (): void => this.stop('the signal given to it aborted', this.given?.reason)

  /** Somebody wants the run stopped. */
  stop(why: string, cause?: unknown): void {
    this.#isStopped = true
    this.abort(why, cause)
  }

  /** Only what is being written is to stop. */
  abort(why: string, cause?: unknown): void {
    if (!this.signal.aborted) this.#controller.abort(abortReason(why, cause))
  }
}
