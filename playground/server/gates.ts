/** How far an answer may go: not even begin, begin and write nothing, write so many tokens, or write and do all. */
export type Allowance = 'nothing' | 'begin' | number | 'all'

const tokensIn = { nothing: -1, begin: 0, all: Infinity }

/** How far an answer is: not begun, so many tokens written, or in a tool. */
export type Progress = 'before' | number | 'at work'

/**
 * Puts the pace of the agent into the hands of a test. A prompt that names a gate is answered as far as the gate allows;
 * other prompts are answered at their own pace.
 */
export class Gates {
  readonly #allowed = new Map<string, number>()
  #changed = Promise.withResolvers<void>()

  /** Lets each answer behind a gate write this many tokens in all. */
  allow(gate: string, allowance: Allowance): void {
    this.#allowed.set(gate, typeof allowance === 'number' ? allowance : tokensIn[allowance])
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /**
   * Waits until an answer behind this gate may go on.
   * @param progress how many tokens it has written; `before` it begins, `at work` in a tool
   * @throws the signal's reason when that is aborted first
   */
  async pass(gate: string | undefined, progress: Progress, signal?: AbortSignal): Promise<void> {
    if (gate === undefined) return
    const needed = typeof progress === 'number' ? progress : progress === 'before' ? -1 : Number.MAX_VALUE
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      while ((this.#allowed.get(gate) ?? Infinity) <= needed) {
        signal?.throwIfAborted()
        await Promise.race([this.#changed.promise, aborted.promise])
      }
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}
