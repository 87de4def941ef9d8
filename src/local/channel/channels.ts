import { Channel } from './channel'
import type { Limits } from '../limits'
import type { NextSerial } from './serial'
import type { Journal } from '../persist/journal'

/** All channels of an endpoint, the least recently used first, within bounds for number and memory. */
export class Channels {
  readonly #channels = new Map<string, Channel>()
  readonly #limits: Limits
  readonly #next: NextSerial
  readonly #journal: Journal
  #bytes = 0

  constructor(limits: Limits, next: NextSerial, journal: Journal) {
    this.#limits = limits
    this.#next = next
    this.#journal = journal
  }

  /** The data that all channels hold, in bytes. */
  get bytes() {
    return this.#bytes
  }

  /** The channel of that name, created if there is none. */
  open(name: string): Channel {
    const channel = this.bringBack(name)
    this.#trim()
    return channel
  }

  /** The same without a check of the bounds, for a restart. */
  bringBack(name: string): Channel {
    const channel = this.#channels.get(name) ?? this.#create(name)
    this.#channels.delete(name)
    this.#channels.set(name, channel)
    return channel
  }

  /** The channel of that name, if there is one. */
  find(name: string): Channel | undefined {
    return this.#channels.get(name)
  }

  /** All of them, the least recently used first. */
  [Symbol.iterator](): Iterator<Channel> {
    return this.#channels.values()
  }

  /** Forgets the channel of that name, if there is one. */
  drop(name: string) {
    const channel = this.#channels.get(name)
    if (channel) this.#forget(name, channel)
  }

  /** Applies the appends that rollups hold back. */
  flush() {
    for (const channel of this.#channels.values()) channel.flush()
  }

  /** Stops all timers. */
  close() {
    for (const channel of this.#channels.values()) channel.close()
  }

  #create(name: string): Channel {
    const onGrow = (bytes: number) => void (this.#bytes += bytes)
    return new Channel(name, { limits: this.#limits, next: this.#next, journal: this.#journal, onGrow })
  }

  /** Forgets the oldest idle channels, then the oldest messages of the least recently used channels. */
  #trim() {
    let spare = this.#channels.size - this.#limits.maxChannels
    if (spare <= 0 && this.#bytes <= this.#limits.maxStoredBytes) return
    const newest = [...this.#channels.keys()].at(-1)
    for (const [name, channel] of this.#channels) {
      while (this.#bytes > this.#limits.maxStoredBytes && channel.evict());
      if (spare-- > 0 && channel.isIdle && name !== newest) this.#forget(name, channel)
    }
  }

  #forget(name: string, channel: Channel) {
    while (channel.evict());
    this.#channels.delete(name)
    this.#journal.forget(name)
  }
}
