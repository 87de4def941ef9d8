import type { RealtimeClient } from 'ably'
import { Uplink } from '../ably/uplink'

/**
 * How soon something has to go out. `urgent`: how runs and steps stand, and the ends of streams; `opening`: the first
 * output of a run; `content`: the rest, each in its turn.
 */
export type Urgency = 'urgent' | 'opening' | 'content'

const order = ['urgent', 'opening', 'content'] as const satisfies readonly Urgency[]

/** What a pacer needs to know of the connection. */
export type Pace = Pick<Uplink, 'maxInboundRate' | 'isHeldUp' | 'onChange'>

/** Messages a second. */
export const defaultMaxRate = 40

// In milliseconds; services count by the second, and messages do not all travel equally fast
const period = 1100
/** How much faster the service usually takes messages than outputs are sent, where it has not said. */
const usualSlack = 1.25
/** Part of what the service takes that outputs leave to what is urgent. */
const reserve = 0.1
const maxSlowness = 8

/**
 * Keeps everything that is sent on one connection below the rate that the service accepts. What must wait is not dropped
 * but gets its turn: what is urgent first, otherwise first come, first served, so that streams which have one turn at a
 * time all move on.
 */
export class Pacer {
  /** Messages a second. */
  maxRate = Infinity
  readonly #queues: Record<Urgency, (() => void)[]> = { urgent: [], opening: [], content: [] }
  /** When messages went out within the last period. */
  readonly #sent: number[] = []
  /** When the next output is due if outputs are to be evenly spaced. */
  #due = -Infinity
  #timer: ReturnType<typeof setTimeout> | undefined
  /** How many times slower than usual, because the service has refused some. */
  #slowness = 1
  #pausedUntil = 0
  #isRunning = false

  constructor(private readonly pace: Pace) {
    pace.onChange(() => this.#run())
  }

  /** Sends something when it is its turn; at once where nothing speaks against it. */
  add(urgency: Urgency, send: () => void): void {
    if (this.#isFree) return send()
    this.#queues[urgency].push(send)
    const isAwaited = urgency === 'content' && this.#timer !== undefined
    if (!isAwaited && !this.#isRunning) this.#run()
  }

  get #isFree(): boolean {
    return this.maxRate === Infinity && (this.#pausedUntil === 0 || performance.now() >= this.#pausedUntil)
  }

  /** Takes note that the service has found it too fast; true when it did not just say so. */
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
    this.#isRunning = true
    for (let next = this.#next(); next && !this.pace.isHeldUp; next = this.#next()) {
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
    const limit = this.pace.maxInboundRate ?? this.maxRate * usualSlack
    const isUrgent = urgency === 'urgent'
    const room = Math.max(1, Math.floor((limit * (isUrgent ? 1 : 1 - reserve)) / this.#slowness))
    while (this.#sent[0]! <= now - period) this.#sent.shift()
    const crowded = this.#sent.length < room ? 0 : this.#sent.at(-room)! + period - now
    return Math.max(crowded, this.#pausedUntil - now, isUrgent ? 0 : this.#due - now)
  }

  #note(urgency: Urgency, now: number): void {
    this.#slowness = Math.max(1, this.#slowness * 0.98)
    if (this.maxRate === Infinity) return
    this.#sent.push(now)
    if (urgency === 'urgent') return
    const limit = this.pace.maxInboundRate ?? Infinity
    const rate = Math.min(this.maxRate, limit / usualSlack)
    const interval = (1000 * this.#slowness) / rate
    // NOTE: a few may come at once, as the first chunks of an answer do
    this.#due = Math.max(this.#due, now - (rate / 8) * interval) + interval
  }
}

const pacers = new WeakMap<RealtimeClient, Pacer>()

/** The pacer of a client's connection; of several rates that are asked for, the lowest counts. */
export function pacerOf(client: RealtimeClient, maxRate: number): Pacer {
  let pacer = pacers.get(client)
  if (!pacer) pacers.set(client, (pacer = new Pacer(new Uplink(client))))
  pacer.maxRate = Math.min(pacer.maxRate, maxRate)
  return pacer
}
