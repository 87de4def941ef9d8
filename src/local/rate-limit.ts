/** Counts messages in each second. */
export class RateLimit {
  readonly #max: number
  readonly #refusal: (max: number) => Error
  #second = 0
  #count = 0

  /** @param refusal - the error that refuses messages above the limit */
  constructor(maxPerSecond: number, refusal: (max: number) => Error) {
    this.#max = maxPerSecond
    this.#refusal = refusal
  }

  /**
   * Counts messages of a publish. Messages that are refused count as well, as they do at the service.
   * @param now - the time, in ms
   */
  take(now: number, messages = 1) {
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) this.#count = 0
    this.#second = second
    this.#count += messages
    if (this.#count > this.#max) throw this.#refusal(this.#max)
  }
}
