import type { Row } from '../core/log'

// NOTE: whoever may publish makes entries; of what falls out the time by Ably's clock counts
const maxHeard = 1000

/** Tells how long ago things happened, and when it is time to look again. */
export class Clock {
  readonly #heard = new Map<string, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #next = Infinity

  /** `look` is called when the earliest moment that was asked about has come. */
  constructor(private readonly look: () => void) {}

  /** Notes that a message has just been heard. */
  hear(serial: string): void {
    this.#heard.set(serial, Date.now())
    if (this.#heard.size > maxHeard) this.#heard.delete(this.#heard.keys().next().value!)
  }

  /** When a row came up, by this device's clock; by Ably's for one that was only read from history. */
  since({ serial, timestamp }: Row): number {
    return this.#heard.get(serial) ?? Math.min(timestamp, Date.now())
  }

  /** Whether a moment has come; if not, `look` is called when it does. */
  hasCome(moment: number): boolean {
    const left = moment - Date.now()
    if (left <= 0) return true
    if (moment < this.#next) {
      this.stop()
      this.#next = moment
      this.#timer = setTimeout(() => {
        this.#next = Infinity
        this.look()
      }, left)
    }
    return false
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#next = Infinity
  }
}
