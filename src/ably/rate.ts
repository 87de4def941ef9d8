/**
 * The time in which the service counts messages, in milliseconds: a second, and some more because travel times vary.
 */
export const ratePeriod = 1100

/** How fast messages may be published: so many in a period, and fewer after refusals for the rate. */
export class PublishRate {
  /** How much slower than without refusals messages are published. */
  factor = 1
  #pausedUntil = 0
  /** When messages were published within the last period. */
  readonly #moments: number[] = []

  /** Milliseconds until the pause after a refusal ends. */
  get pause(): number {
    return this.#pausedUntil - performance.now()
  }

  /**
   * Milliseconds to wait before the next message; `limit` is how many may be published in a period without refusals.
   */
  wait(limit: number, now: number): number {
    while (this.#moments[0]! <= now - ratePeriod) this.#moments.shift()
    const before = this.#moments.at(-Math.max(1, limit / this.factor)) ?? -Infinity
    return Math.max(before + ratePeriod - now, this.pause)
  }

  /** Notes that messages are published. */
  add(now: number, count = 1): void {
    for (let index = 0; index < count; index++) this.#moments.push(now)
  }

  /**
   * Takes a refusal into account; refusals during the pause after another one count once.
   *
   * @param growth - how much slower each refusal makes publishing
   * @param maxFactor - how much slower refusals make it at most
   * @param shortestPause - the pause after a refusal, in milliseconds, times the present factor
   * @returns whether it is the first of a series
   */
  slowDown(growth = 2, maxFactor = 8, shortestPause = 125): boolean {
    if (this.pause > 0) return false
    this.factor = Math.min(this.factor * growth, maxFactor)
    // NOTE: other publishers were refused at the same moment, and must not all try again together
    this.#pausedUntil = performance.now() + shortestPause * this.factor * (1 + Math.random())
    return this.factor === growth
  }

  /** Publishes faster again, unless a pause has just begun. @param share - the share of the factor that is left */
  recover(share = 0.98): void {
    if (this.pause <= 0) this.factor = Math.max(1, this.factor * share)
  }
}

/**
 * Publishes one piece of a session and returns the number of its messages; 0 when the session has to wait, or has no
 * more.
 */
type Turn = (now: number) => number

// NOTE: below Ably's usual limit of 50 messages per second, and above the share of it that an agent uses for text
const maxOnConnection = 45

/** The rate of one connection, for the clients' sessions and the agents on it. */
class ConnectionRate extends PublishRate {
  readonly #turns = new Set<Turn>()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Gives a session its turns until it publishes nothing more: sessions publish in turn, one piece each. */
  enter(turn: Turn): void {
    this.#turns.add(turn)
    this.#take()
  }

  /** Gives a session no more turns; without sessions no timer is left, which would keep a Node process alive. */
  leave(turn: Turn): void {
    this.#turns.delete(turn)
    if (this.#turns.size === 0) clearTimeout(this.#timer)
  }

  #take(): void {
    clearTimeout(this.#timer)
    for (const turn of this.#turns) {
      const now = performance.now()
      const wait = this.wait(maxOnConnection, now)
      if (wait > 0) return void (this.#timer = setTimeout(() => this.#take(), wait))
      const count = turn(now)
      this.add(now, count)
      this.#turns.delete(turn)
      if (count === 0) continue
      this.recover()
      // The next turn of this session comes after those of the others
      this.#turns.add(turn)
    }
  }
}

const rates = new WeakMap<object, ConnectionRate>()

/** The rate of a connection: all that publish on it share one. */
export function rateOf(connection: object): ConnectionRate {
  const rate = rates.get(connection) ?? new ConnectionRate()
  rates.set(connection, rate)
  return rate
}
