import type { RealtimeClient } from 'ably'
import { Uplink } from '../ably/uplink'
import { freezeDetector } from './freeze-detector'

/**
 * The priority of a message. `urgent`: lifecycle messages and the ends of streams; `opening`: the first output of a run;
 * `content`: all other output; `background`: refusals of cancels, which any client can cause.
 */
export type Urgency = 'urgent' | 'opening' | 'content' | 'background'

const order = ['urgent', 'opening', 'content', 'background'] as const satisfies readonly Urgency[]

/** The part of a connection's state that a pacer needs. */
export type Pace = Pick<Uplink, 'maxInboundRate' | 'isHeldUp' | 'onChange' | 'confirm'>

/** Messages a second. */
export const defaultMaxRate = 40

// In milliseconds; the service counts by the second, and travel times vary
const period = 1100
/** The service's limit relative to the rate of outputs, where the service has not told its limit. */
const usualSlack = 1.25
/**
 * Shares of the service's limit that are reserved for more urgent messages. Beside busy runs there is room for the six
 * messages with which a run starts, so its text shows as soon as alone.
 */
const reserved: Readonly<Record<Urgency, number>> = { urgent: 0, opening: 0.05, content: 0.2, background: 0.2 }
const maxSlowness = 8

/**
 * Keeps the messages of one connection below the rate that the service accepts. Messages wait but are never dropped: urgent
 * ones go first, otherwise first come, first served; each stream queues one message at a time, so all streams advance.
 */
export class Pacer {
  /** Messages a second. */
  maxRate = Infinity
  readonly #queues: Record<Urgency, (() => void)[]> = {
    urgent: [],
    opening: [],
    content: [],
    background: [],
  }
  /** Send times within the last period. */
  readonly #sent: number[] = []
  /** When the next output is due, for even spacing. */
  #due = -Infinity
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The factor by which refusals slow the connection down. */
  #slowness = 1
  #pausedUntil = 0
  #isRunning = false
  #holds = 0
  /** Whether the connection was lost, and nothing has been heard on a new one yet. */
  #isCutOff = false
  readonly #pace: Pace
  readonly #wasFrozen: () => boolean

  /** @param wasFrozen - whether the process has just stood still: a container may be frozen for minutes, and go on */
  constructor(pace: Pace, wasFrozen: () => boolean = () => false) {
    this.#pace = pace
    this.#wasFrozen = wasFrozen
    pace.onChange(() => this.#follow())
  }

  /** After a lost connection, missed messages are heard before anything is sent. */
  #follow(): void {
    if (this.#pace.isHeldUp && !this.#isCutOff) {
      this.#isCutOff = true
      this.hold(this.#pace.confirm().finally(() => (this.#isCutOff = false)))
    }
    this.#run()
  }

  /** Sends nothing until a promise settles: a message that was missed may say that another agent has ended a run. */
  hold(until: Promise<unknown>): void {
    this.#holds++
    const release = (): void => {
      this.#holds--
      this.#run()
    }
    until.then(release, release)
  }

  /** Calls `send` in its turn, or at once when nothing has to wait. */
  add(urgency: Urgency, send: () => void): void {
    this.#checkFreeze()
    if (this.#isFree) return send()
    this.#queues[urgency].push(send)
    const isAwaited = urgency === 'content' && this.#timer !== undefined
    if (!isAwaited && !this.#isRunning) this.#run()
  }

  /** After a freeze, missed messages are heard before anything is sent. */
  #checkFreeze(): void {
    if (this.#wasFrozen()) this.hold(this.#pace.confirm())
  }

  get #isFree(): boolean {
    return (
      this.maxRate === Infinity &&
      this.#holds === 0 &&
      (this.#pausedUntil === 0 || performance.now() >= this.#pausedUntil)
    )
  }

  /** Slows down after a refusal for the rate; returns true for the first refusal of a series. */
  slowDown(): boolean {
    const now = performance.now()
    if (now < this.#pausedUntil) return false
    this.#slowness = Math.min(this.#slowness * 2, maxSlowness)
    this.#pausedUntil = now + 125 * this.#slowness
    return this.#slowness === 2
  }

  #run(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#checkFreeze()
    this.#isRunning = true
    for (let next = this.#next(); next && !this.#pace.isHeldUp && this.#holds === 0; next = this.#next()) {
      const now = performance.now()
      const wait = this.maxRate === Infinity ? this.#pausedUntil - now : this.#waitFor(next, now)
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#run(), wait)
        break
      }
      this.#note(next, now)
      this.#queues[next].shift()!()
    }
    this.#isRunning = false
  }

  #next(): Urgency | undefined {
    return order.find((urgency) => this.#queues[urgency].length > 0)
  }

  /** In milliseconds. */
  #waitFor(urgency: Urgency, now: number): number {
    const limit = this.#pace.maxInboundRate ?? this.maxRate * usualSlack
    // NOTE: the first output of a run is not spaced, so that its text shows as soon beside busy runs as alone
    const isSpaced = urgency === 'content' || urgency === 'background'
    const room = Math.max(1, Math.floor((limit * (1 - reserved[urgency])) / this.#slowness))
    while (this.#sent[0]! <= now - period) this.#sent.shift()
    const crowded = this.#sent.length < room ? 0 : this.#sent.at(-room)! + period - now
    return Math.max(crowded, this.#pausedUntil - now, isSpaced ? this.#due - now : 0)
  }

  #note(urgency: Urgency, now: number): void {
    this.#slowness = Math.max(1, this.#slowness * 0.98)
    if (this.maxRate === Infinity) return
    this.#sent.push(now)
    if (urgency === 'urgent') return
    const limit = this.#pace.maxInboundRate ?? Infinity
    const rate = Math.min(this.maxRate, limit / usualSlack)
    const interval = (1000 * this.#slowness) / rate
    // NOTE: allows a short burst, for the first chunks of an answer
    this.#due = Math.max(this.#due, now - (rate / 8) * interval) + interval
  }
}

const pacers = new WeakMap<RealtimeClient, Pacer>()

/** The pacer of a client's connection; of several requested rates, the lowest counts. */
export function pacerOf(client: RealtimeClient, maxRate: number): Pacer {
  let pacer = pacers.get(client)
  if (!pacer) pacers.set(client, (pacer = new Pacer(new Uplink(client), freezeDetector())))
  pacer.maxRate = Math.min(pacer.maxRate, maxRate)
  return pacer
}
