import { longestDelay } from './signals'

/**
 * Counts the users of a shared thing. When the last user releases it, the thing stays for a while, because the next
 * user may come soon; then `onEnd` is called.
 */
export class LingeringLease {
  readonly #onEnd: () => void
  #users = 0
  #keepUntil = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  get isIdle(): boolean {
    return this.#users === 0
  }

  /** Until when it stays without users, in milliseconds since the epoch. */
  get keepUntil(): number {
    return this.#keepUntil
  }

  /**
   * Adds a user. The returned function releases it; calling that twice does nothing. The thing stays for `linger`
   * milliseconds after the last release, or longer where an earlier release asked for that.
   */
  acquire(): (linger: number) => void {
    clearTimeout(this.#timer)
    this.#users++
    let isReleased = false
    return (linger) => {
      if (isReleased) return
      isReleased = true
      this.#keepUntil = Math.max(this.#keepUntil, Date.now() + linger)
      if (--this.#users === 0) this.#endLater()
    }
  }

  /** Stops the timer: the thing was closed by other means. */
  cancel(): void {
    clearTimeout(this.#timer)
  }

  #endLater(): void {
    const left = this.#keepUntil - Date.now()
    if (left <= 0) return this.#onEnd()
    this.#timer = setTimeout(this.#onEnd, Math.min(left, longestDelay))
    // NOTE: a Node process need not stay for it; in browsers a timer is a number
    ;(this.#timer as { unref?: () => void }).unref?.()
  }
}
