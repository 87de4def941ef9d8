import { ProtocolError } from '../wire/error'

/** Counts publishes in each second. */
export class RateLimit {
  readonly #max: number
  readonly #now: () => number
  #second = 0
  #count = 0

  constructor(maxPerSecond: number, now: () => number) {
    this.#max = maxPerSecond
    this.#now = now
  }

  /**
   * Counts one publish.
   * @throws ProtocolError 42911 if it exceeds the limit of this second
   */
  take() {
    const second = Math.floor(this.#now() / 1_000)
    if (second !== this.#second) this.#count = 0
    this.#second = second
    if (++this.#count > this.#max) {
      throw new ProtocolError(42_911, 429, `connection publishes more than ${this.#max} messages a second`)
    }
  }
}
