import type { RealtimeClient } from 'ably'
import { Uplink } from '../ably/client'
import { isChannelFull } from '../ably/publish-error'
import { PublishRate, rateOf } from '../ably/rate'
import { sleep } from '../core/signals'

/**
 * The priority of a message. `urgent`: lifecycle messages and ends of streams; `opening`: the first output of a run;
 * `content`: all other output; `background`: refusals of cancels, which any client can cause.
 */
export type Urgency = 'urgent' | 'opening' | 'content' | 'background'

const order = ['urgent', 'opening', 'content', 'background'] as const satisfies readonly Urgency[]

/** The part of a connection's state that a pacer needs. */
export type Pace = Pick<Uplink, 'maxInboundRate' | 'isHeldUp' | 'onChange' | 'confirm'>

/** Messages a second. */
export const defaultMaxRate = 40

/** How much of the even spacing a burst may leave out, for the first chunks of an answer; in milliseconds. */
const burst = 1000 / 6
/** The service's limit relative to the rate of outputs, where the service has not told its limit. */
const usualSlack = 1.25
/**
 * Shares of the service's limit that are reserved for more urgent messages. Beside busy runs there is room for the six
 * messages with which a run starts, so its text shows as soon as alone.
 */
const reserved: Readonly<Record<Urgency, number>> = { urgent: 0, opening: 0.05, content: 0.2, background: 0.2 }
/** Milliseconds between two messages of a session whose channel is full, times how much the session is slowed down. */
const fullInterval = 25

/** Is closed while promises are pending. */
class Gate {
  readonly #onOpen: () => void
  #holds = 0

  constructor(onOpen: () => void) {
    this.#onOpen = onOpen
  }

  get isOpen(): boolean {
    return this.#holds === 0
  }

  hold(until: Promise<unknown>): void {
    this.#holds++
    const release = (): void => {
      this.#holds--
      if (this.isOpen) this.#onOpen()
    }
    until.then(release, release)
  }
}

/** A session as the pacer of its connection needs it. */
interface Sender {
  /** Whether its messages may be sent now. */
  readonly isOpen: boolean
  noteSent(): void
}

interface Queued {
  readonly send: () => void
  readonly sender: Sender
}

/**
 * Keeps the messages of one connection below the rate that the service accepts. Messages wait but are never dropped:
 * urgent ones go first, otherwise first come, first served; each stream queues one message at a time, so all streams
 * advance.
 */
export class Pacer {
  /** Messages a second. */
  maxRate = Infinity
  readonly #queues: Record<Urgency, Queued[]> = {
    urgent: [],
    opening: [],
    content: [],
    background: [],
  }
  /** When the next output is due, for even spacing. */
  #due = -Infinity
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #gate = new Gate(() => this.run())
  #isRunning = false
  /** Whether the connection was lost, and nothing has been heard on a new one yet. */
  #isCutOff = false
  readonly #pace: Pace
  readonly #wasFrozen: () => boolean
  readonly #rate: PublishRate

  /**
   * @param wasFrozen - whether the process has just stood still: a container may be frozen for minutes, and go on
   * @param rate - the rate of the connection
   */
  constructor(pace: Pace, wasFrozen: () => boolean = () => false, rate = new PublishRate()) {
    this.#pace = pace
    this.#wasFrozen = wasFrozen
    this.#rate = rate
    pace.onChange(() => this.#follow())
  }

  /** After a lost connection, missed messages are heard before anything is sent. */
  #follow(): void {
    if (this.#pace.isHeldUp && !this.#isCutOff) {
      this.#isCutOff = true
      this.#gate.hold(this.#pace.confirm().finally(() => (this.#isCutOff = false)))
    }
    this.run()
  }

  /** Calls `send` in its turn, or at once when nothing has to wait. */
  add(urgency: Urgency, send: () => void, sender: Sender): void {
    this.#checkFreeze()
    if (this.#isFree && sender.isOpen) return this.#sendNow({ send, sender })
    this.#queues[urgency].push({ send, sender })
    const isAwaited = urgency === 'content' && this.#timer !== undefined
    if (!isAwaited && !this.#isRunning) this.run()
  }

  /** Whether so little was sent of late that further output need not be merged. */
  get isQuiet(): boolean {
    return this.maxRate === Infinity || performance.now() - this.#due >= burst * this.#rate.factor * 0.75
  }

  /** After a freeze, missed messages are heard before anything is sent. */
  #checkFreeze(): void {
    if (this.#wasFrozen()) this.#gate.hold(this.#pace.confirm())
  }

  get #isFree(): boolean {
    return this.maxRate === Infinity && this.#gate.isOpen && this.#rate.pause <= 0
  }

  /** Slows down after a refusal for the connection's rate; returns true for the first refusal of a series. */
  slowDown(): boolean {
    return this.#rate.slowDown()
  }

  /** Sends the messages whose turn has come; called when a sender may send again. */
  run(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#checkFreeze()
    this.#isRunning = true
    while (!this.#pace.isHeldUp && this.#gate.isOpen) {
      const next = this.#next()
      if (!next) break
      const now = performance.now()
      const wait = this.maxRate === Infinity ? this.#rate.pause : this.#waitFor(next.urgency, now)
      if (wait > 0) {
        this.#timer = setTimeout(() => this.run(), wait)
        break
      }
      this.#note(next.urgency, now)
      const [queued] = this.#queues[next.urgency].splice(next.index, 1)
      this.#sendNow(queued!)
    }
    this.#isRunning = false
  }

  #sendNow({ send, sender }: Queued): void {
    sender.noteSent()
    send()
  }

  /** The place of the next message that may be sent: messages of a session that waits are passed over. */
  #next(): { urgency: Urgency; index: number } | undefined {
    for (const urgency of order) {
      const index = this.#queues[urgency].findIndex(({ sender }) => sender.isOpen)
      if (index >= 0) return { urgency, index }
    }
    return undefined
  }

  /** In milliseconds. */
  #waitFor(urgency: Urgency, now: number): number {
    const limit = this.#pace.maxInboundRate ?? this.maxRate * usualSlack
    const wait = this.#rate.wait(limit * (1 - reserved[urgency]), now)
    return Math.max(wait, isSpaced(urgency) ? this.#due - now : 0)
  }

  #note(urgency: Urgency, now: number): void {
    this.#rate.recover()
    if (this.maxRate === Infinity) return
    this.#rate.add(now)
    if (!isSpaced(urgency)) return
    const limit = this.#pace.maxInboundRate ?? Infinity
    const rate = Math.min(this.maxRate, limit / usualSlack)
    const { factor } = this.#rate
    this.#due = Math.max(this.#due, now - burst * factor) + (1000 * factor) / rate
  }
}

// NOTE: the first output of a run is not spaced, so that its text shows as soon beside busy runs as alone
const isSpaced = (urgency: Urgency): boolean => urgency === 'content' || urgency === 'background'

const pacers = new WeakMap<RealtimeClient, Pacer>()

/** The pacer of a client's connection; of several requested rates, the lowest counts. */
export function pacerOf(client: RealtimeClient, maxRate: number): Pacer {
  let pacer = pacers.get(client)
  if (!pacer) pacers.set(client, (pacer = new Pacer(new Uplink(client), freezeDetector(), rateOf(client.connection))))
  pacer.maxRate = Math.min(pacer.maxRate, maxRate)
  return pacer
}

/**
 * The turns of one session on its connection. The session waits and slows down without the other sessions of the
 * connection.
 */
export class SessionPacer {
  readonly #connection: Pacer
  readonly #gate = new Gate(() => this.#connection.run())
  readonly #rate = new PublishRate()

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
   * The same for text, which can get longer until it is sent. After the first pieces of a burst, text that arrives
   * together, as in one packet of a model, goes out in one message.
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
   * Slows down after a refusal for the rate: this session if its channel is full, else the whole connection. Returns
   * true for the first refusal of a series.
   */
  slowDown(cause: unknown): boolean {
    if (!isChannelFull(cause)) return this.#connection.slowDown()
    const isFirst = this.#rate.slowDown()
    this.hold(sleep(this.#rate.pause))
    return isFirst
  }

  /** Notes that a message of this session was sent. */
  noteSent(): void {
    if (this.#rate.factor === 1) return
    this.hold(sleep(fullInterval * this.#rate.factor))
    this.#rate.recover()
  }
}

/** Calls back when the present turn of the event loop is over; edge runtimes have no `setImmediate`. */
const endTurn: (next: () => void) => unknown = globalThis.setImmediate ?? setTimeout

// In milliseconds
const tickInterval = 1000
const longestTick = 4000
const watchTime = 600_000

/**
 * Detects that the process stood still: then a timer is overdue. The answer is kept until it is asked for, because the
 * overdue timer may be the first callback after the freeze. The timer runs until ten minutes after the last question,
 * and keeps no process alive.
 */
export function freezeDetector(): () => boolean {
  let due = Infinity
  let askedAt = 0
  let wasFrozen = false
  // NOTE: by the wall clock, because other clocks may stand still with the process
  const look = (): void => {
    if (Date.now() <= due + longestTick) return
    wasFrozen = true
    due = Date.now()
  }
  const tick = (): void => {
    look()
    due = Infinity
    if (Date.now() - askedAt > watchTime) return
    due = Date.now() + tickInterval
    const timer: { unref?: () => void } | number = setTimeout(tick, tickInterval)
    if (typeof timer === 'object') timer.unref?.()
  }
  return () => {
    askedAt = Date.now()
    look()
    if (due === Infinity) tick()
    const answer = wasFrozen
    wasFrozen = false
    return answer
  }
}
