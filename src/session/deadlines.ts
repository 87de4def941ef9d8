import type { Row } from '../core/row'
import { deferred } from '../core/signals'

// NOTE: any publisher can add entries, so their number is limited; for the others Ably's timestamps count
const maxHeard = 1000

/** Knows how long ago messages arrived, and calls back when a subject's deadline has passed. */
export class Deadlines<Subject> {
  readonly #onDue: (subjects: readonly Subject[]) => void
  readonly #heard = new Map<string, number>()
  readonly #moments = new Map<Subject, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #next = Infinity

  constructor(onDue: (subjects: readonly Subject[]) => void) {
    this.#onDue = onDue
  }

  /** Notes that a message has just arrived. */
  hear(serial: string): void {
    this.#heard.set(serial, Date.now())
    if (this.#heard.size > maxHeard) this.#heard.delete(this.#heard.keys().next().value!)
  }

  /** When a row arrived, by this device's clock; by Ably's for a row that was read from history. */
  since({ serial, timestamp }: Row): number {
    return this.#heard.get(serial) ?? Math.min(timestamp, Date.now())
  }

  /** Whether a moment has passed. If not, `onDue` gets the subject when it has. */
  isDue(moment: number, subject: Subject): boolean {
    if (moment <= Date.now()) return true
    this.remind(moment, subject)
    return false
  }

  /** Lets `onDue` get the subject when a moment has passed, or when an earlier one has that was asked for before. */
  remind(moment: number, subject: Subject): void {
    if (moment < (this.#moments.get(subject) ?? Infinity)) this.#moments.set(subject, moment)
    if (moment < this.#next) this.#wait(moment)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#next = Infinity
  }

  #wait(moment: number): void {
    clearTimeout(this.#timer)
    this.#next = moment
    this.#timer = setTimeout(() => this.#expire(), Math.max(moment - Date.now(), 0))
  }

  #expire(): void {
    const now = Date.now()
    const due: Subject[] = []
    let next = (this.#next = Infinity)
    for (const [subject, moment] of this.#moments) {
      if (moment <= now) due.push(subject)
      else next = Math.min(next, moment)
    }
    for (const subject of due) this.#moments.delete(subject)
    if (next < Infinity) this.#wait(next)
    this.#onDue(due)
  }
}

/** Waits for conditions, which are looked at after every change. */
export class Waits {
  readonly #looks = new Set<() => void>()

  /** Resolves once this holds, at the latest after so many milliseconds. */
  async until(holds: () => boolean | undefined, limit: number): Promise<void> {
    const { promise, resolve } = deferred()
    const look = (): void => {
      if (holds()) resolve()
    }
    const timer = setTimeout(resolve, limit)
    this.#looks.add(look)
    look()
    await promise
    clearTimeout(timer)
    this.#looks.delete(look)
  }

  review(): void {
    for (const look of this.#looks) look()
  }
}
