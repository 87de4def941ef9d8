import type { Grant } from '../auth/token'

/** How long before expiry a client is asked for a new token, in ms. */
const NOTICE = 30_000

/** The longest time that a timer can wait, in ms. */
const MAX_TIMEOUT = 2 ** 31 - 1

/** Watches the expiry of a connection's token. */
export class Expiry {
  readonly #now: () => number
  readonly #on: { renew: () => void; end: () => void }
  #timers: NodeJS.Timeout[] = []

  constructor(now: () => number, on: { renew: () => void; end: () => void }) {
    this.#now = now
    this.#on = on
  }

  /** Requests renewal 30 s before the grant ends, and ends the connection when it ends. */
  watch({ expires }: Grant) {
    this.stop()
    if (expires === undefined) return
    const left = expires - this.#now()
    if (left > NOTICE) this.#after(left - NOTICE, this.#on.renew)
    this.#after(left, this.#on.end)
  }

  /** Stops watching. */
  stop() {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = []
  }

  #after(ms: number, action: () => void) {
    if (ms <= MAX_TIMEOUT) this.#timers.push(setTimeout(action, ms))
  }
}
