import type { Channel } from '../channel/channel'

/** The default time that the members of a lost connection stay, in ms. */
const DEFAULT_STAY = 15_000

const MIN_STAY = 1_000
const MAX_STAY = 120_000

/** Reads the `remainPresentFor` transport parameter. */
export function readStay(value: string | null): number {
  const ms = value === null || value === '' ? DEFAULT_STAY : Number(value)
  return Number.isFinite(ms) ? Math.min(Math.max(ms, MIN_STAY), MAX_STAY) : DEFAULT_STAY
}

/** The channels on which a connection has members. When the connection is lost, they leave after a delay. */
export class Membership {
  readonly #connectionId: string
  readonly #now: () => number
  readonly #channels = new Set<Channel>()
  #timer?: NodeJS.Timeout

  constructor(connectionId: string, now: () => number) {
    this.#connectionId = connectionId
    this.#now = now
  }

  /** Records that the connection may have members on a channel. */
  note(channel: Channel) {
    this.#channels.add(channel)
  }

  /** Removes the members from one channel. */
  leave(channel: Channel) {
    if (this.#channels.delete(channel)) channel.dismiss(this.#connectionId, this.#now())
  }

  /** Removes the members from all channels. */
  leaveAll() {
    clearTimeout(this.#timer)
    for (const channel of this.#channels) this.leave(channel)
  }

  /** Removes the members after so many ms, unless `stay` is called. */
  leaveIn(ms: number) {
    clearTimeout(this.#timer)
    if (this.#channels.size > 0) this.#timer = setTimeout(() => this.leaveAll(), ms).unref()
  }

  /** Keeps the members. */
  stay() {
    clearTimeout(this.#timer)
  }
}
