import type { SessionChannel } from '../ably/session-channel'
import type { Uplink } from '../ably/uplink'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import { newId } from '../core/id'
import type { OutgoingMessage } from '../core/wire'
import type { Pacer, Urgency } from './pacer'
import { isAway, isPassing, isTooFast } from '../ably/refusal'

type Extras = OutgoingMessage['extras']

/** What a run's messages go out on. */
export interface Way {
  readonly channel: Pick<SessionChannel, 'publishOne' | 'append' | 'update' | 'isSuspended'>
  readonly pacer: Pick<Pacer, 'add' | 'slowDown'>
  readonly uplink: Pick<Uplink, 'maxMessageSize' | 'connectionId' | 'isHeldUp'>
  readonly report: (error: SessionError) => void
}

/** How something is published that may be refused. */
interface Persistence {
  /** @default 'urgent' */
  readonly urgency?: Urgency
  /** Whether it is tried for minutes rather than three times. @default false */
  readonly isPatient?: boolean
}

// NOTE: the start of a message, of its step, of its text, and the first of the text
const openingCount = 4

/** A run's way onto the channel. Once shut nothing more gets through, so that a run can be left to another process. */
export class Outlet {
  #isShut = false
  #outputCount = 0

  constructor(private readonly way: Way) {}

  get isShut(): boolean {
    return this.#isShut
  }

  shut(): void {
    this.#isShut = true
  }

  /** Bytes that a message may have with all that belongs to it. */
  get maxMessageSize(): number {
    return this.way.uplink.maxMessageSize
  }

  /** The connection it goes out on now. */
  get connectionId(): string | undefined {
    return this.way.uplink.connectionId
  }

  /** Publishes an output when it is its turn, and twice more when that is refused; resolves with its serial. */
  publish(message: OutgoingMessage): Promise<string> {
    return this.#persist(this.#publishing(message), { urgency: this.#urgency() })
  }

  /**
   * Publishes what must not get lost: without its end a run looks active for ever. Refusals that may pass are put up with
   * for two minutes, a network that is away for as long as that lasts; any other refusal, and a client that was closed, is
   * final.
   */
  insist(message: OutgoingMessage): Promise<string> {
    return this.#persist(this.#publishing(message), { isPatient: true })
  }

  // NOTE: under an id of its own it cannot be doubled, though a lost connection has it sent again
  #publishing(message: OutgoingMessage): () => Promise<string> {
    const identified = { id: `${newId()}:0`, ...message }
    return () => this.way.channel.publishOne(identified)
  }

  /**
   * Publishes what tells the others how a run or step stands, and does not give up at once.
   * @throws {@link SessionError} 104003 when the channel refuses it for good
   */
  async declare(what: string, message: OutgoingMessage): Promise<string> {
    try {
      return await this.insist(message)
    } catch (cause) {
      throw toSessionError(what, ErrorCode.LifecyclePublishFailed, cause)
    }
  }

  /** Calls back when it is the next output's turn. */
  turn(send: () => void): void {
    this.way.pacer.add(this.#urgency(), send)
  }

  /** Lengthens a message, now. */
  append(serial: string, data: string, extras: Extras): Promise<void> {
    return this.#isShut ? Promise.reject(left()) : this.way.channel.append(serial, data, extras)
  }

  /** Lengthens a message for the last time, before outputs that wait. */
  end(serial: string, data: string, extras: Extras): Promise<void> {
    return this.#send('urgent', () => this.way.channel.append(serial, data, extras))
  }

  /** Replaces a message's data, trying again when that is refused. */
  update(serial: string, data: string, extras: Extras): Promise<void> {
    return this.#persist(() => this.way.channel.update(serial, data, extras))
  }

  /** Takes note of a refusal for going too fast; whoever runs the agent is told, once. */
  slowDown(cause: unknown): void {
    if (this.way.pacer.slowDown()) this.way.report(toSessionError('publish at full speed', tooFast, cause))
  }

  #urgency(): Urgency {
    return this.#outputCount++ < openingCount ? 'opening' : 'content'
  }

  async #persist<T>(send: () => Promise<T>, { urgency = 'urgent', isPatient = false }: Persistence = {}): Promise<T> {
    const giveUpAt = performance.now() + (isPatient ? patience : 0)
    for (let tries = 0; ;) {
      try {
        return await this.#send(urgency, send)
      } catch (error) {
        if (this.#isShut || !isPassing(error) || isTooFast(error)) throw error
        const delay = this.#isOut(error) ? outageDelay : (retryDelays[tries++] ?? delayUntil(giveUpAt, error))
        if (delay === undefined) throw error
        await new Promise((resolve) => setTimeout(resolve, delay))
      }
    }
  }

  /** Whether it did not get through because the network is away, which may last; only a client that is closed is away for good. */
  #isOut(error: unknown): boolean {
    return isAway(error) && (this.way.uplink.isHeldUp || this.way.channel.isSuspended)
  }

  /** Sends in turn, and again while the channel finds it too fast: then it has certainly not taken it. */
  async #send<T>(urgency: Urgency, send: () => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + patience
    for (;;) {
      try {
        return await this.#inTurn(urgency, send)
      } catch (error) {
        if (!isTooFast(error) || this.#isShut || performance.now() > giveUpAt) throw error
        this.slowDown(error)
      }
    }
  }

  #inTurn<T>(urgency: Urgency, send: () => Promise<T>): Promise<T> {
    if (this.#isShut) return Promise.reject(left())
    return new Promise((resolve, reject) => {
      this.way.pacer.add(urgency, () => {
        if (this.#isShut) reject(left())
        else send().then(resolve, reject)
      })
    })
  }
}

/** How long to wait when trying at once did not help; undefined when it is of no use any more. */
const delayUntil = (giveUpAt: number, error: unknown): number | undefined =>
  isAway(error) || performance.now() >= giveUpAt ? undefined : laterDelay

// In milliseconds
const retryDelays = [100, 1000]
const laterDelay = 5000
const outageDelay = 1000
/** How long refusals for going too fast, and of what must not get lost, are put up with, in milliseconds. */
const patience = 120_000

/** Ably's code for a connection that publishes too much. */
const tooFast = 42_911

const left = (): SessionError => new SessionError('unable to publish; the session has left the run', ErrorCode.Closed)
