import { isChannelFull } from '../ably/publish-error'
import { sleep } from '../core/signals'
import { Backoff, Gate, type Pacer, type Urgency } from './pacer'

/** Milliseconds between two messages of a session whose channel is full, times how much the session is slowed down. */
const interval = 25

/** The turns of one session on its connection. The session waits and slows down without the other sessions of the connection. */
export class SessionPacer {
  readonly #connection: Pacer
  readonly #gate = new Gate(() => this.#connection.run())
  readonly #backoff = new Backoff()

  constructor(connection: Pacer) {
    this.#connection = connection
  }

  get isOpen(): boolean {
    return this.#gate.isOpen
  }

  /** Calls `send` in its turn, or at once when nothing has to wait. */
  add(urgency: Urgency, send: () => void): void {
    this.#connection.add(urgency, send, this)
  }

  /**
   * The same for text, which can get longer until it is sent. After the first pieces of a burst, text that arrives together,
   * as in one packet of a model, goes out in one message.
   */
  addText(urgency: Urgency, send: () => void): void {
    if (this.#connection.isQuiet) this.add(urgency, send)
    else endTurn(() => this.add(urgency, send))
  }

  /** Sends nothing of this session until a promise settles. */
  hold(until: Promise<unknown>): void {
    this.#gate.hold(until)
  }

  /**
   * Slows down after a refusal for the rate: this session if its channel is full, else the whole connection. Returns true
   * for the first refusal of a series.
   */
  slowDown(cause: unknown): boolean {
    if (!isChannelFull(cause)) return this.#connection.slowDown()
    const isFirst = this.#backoff.slowDown()
    this.hold(sleep(this.#backoff.pause))
    return isFirst
  }

  /** Notes that a message of this session was sent. */
  noteSent(): void {
    if (this.#backoff.isOver) return
    this.hold(sleep(interval * this.#backoff.factor))
    this.#backoff.recover()
  }
}

/** Calls back when the present turn of the event loop is over; edge runtimes have no `setImmediate`. */
const endTurn: (next: () => void) => unknown = globalThis.setImmediate ?? setTimeout
