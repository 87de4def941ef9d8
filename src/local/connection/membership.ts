import type { Channel } from '../channel/channel'

/** How long the members of a lost connection stay if it does not say, in ms. */
const DEFAULT_STAY = 15_000

const MIN_STAY = 1_000
const MAX_STAY = 120_000

/** Reads the `remainPresentFor` transport parameter. */
export function readStay(value: string | null): number {
  const ms = value === null || value === '' ? DEFAULT_STAY : Number(value)
  return Number.isFinite(ms) ? Math.min(Math.max(ms, MIN_STAY), MAX_STAY) : DEFAULT_STAY
}

/** The channels on which a connection has members. They leave with it, but not at once when it is only lost. */
export class Membership {
  readonly #connectionId: string
  readonly #now: () => number
  readonly #channels = new Set<Channel>()
  #timer?: NodeJS.Timeout

  constructor(connectionId: string, now: () => number) {
    this.#connectionId = connectionId
    this.#now = now
  }

  /** Notes that the connection may have members there. */
  note(channel: Channel) {
    this.#channels.add(channel)
  }

  /** Lets them leave one channel. */
  leave(channel: Channel) {
    if (this.#channels.delete(channel)) channel.dismiss(this.#connectionId, this.#now())
  }

  /** Lets them leave all channels. */
  leaveAll() {
    clearTimeout(this.#timer)
    for (const channel of this.#channels) this.leave(channel)
  }

  /** Lets them leave after so many ms, unless told to stay. */
  leaveIn(ms: number) {
    clearTimeout(this.#timer)
    if (this.#channels.size > 0) this.#timer = setTimeout(() => this.leaveAll(), ms).unref()
  }

  /** Keeps them. */
  stay() {
    clearTimeout(this.#timer)
  }
}
