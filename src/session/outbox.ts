import type { Channel } from '../ably/session-channel'
import { deferred, type Deferred } from '../core/deferred'
import type { OutgoingMessage } from '../core/wire'

/** Messages on their way out in one piece. */
interface Letter extends Deferred<readonly string[]> {
  readonly messages: readonly OutgoingMessage[]
  readonly number: number
}

/** How long a publish that failed although the network seems to be there waits for the next try, in milliseconds. */
const retryDelay = 250

/**
 * What is to be published, in order. The SDK keeps it through short outages; through long ones it waits here. Messages
 * carry ids of their own, so one that is published again after an unclear failure is there once.
 */
export class Outbox {
  #waiting: Letter[] = []
  #count = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed: { error: unknown } | undefined

  constructor(
    private readonly channel: Channel,
    /** Attaches the channel unless it comes back by itself; rejects when it is refused. */
    private readonly reach: () => Promise<void>,
  ) {}

  /** Resolves with the serials when the channel has the messages; rejects when it refuses them. */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly string[]> {
    if (this.#closed) return Promise.reject(this.#closed.error)
    const letter = { messages, number: ++this.#count, ...deferred<readonly string[]>() }
    this.#waiting.push(letter)
    this.flush()
    return letter.promise
  }

  /** Publishes what waits, if the channel takes it. */
  flush(): void {
    clearTimeout(this.#timer)
    if (this.#waiting.length === 0) return
    if (!this.channel.isAttached) return void this.reach().catch((error: unknown) => this.#refuse(error))
    for (const letter of this.#waiting.splice(0)) void this.#post(letter)
  }

  /** Gives up what waits, and refuses what comes. */
  close(error: unknown): void {
    this.#closed = { error }
    this.#refuse(error)
  }

  #refuse(error: unknown): void {
    clearTimeout(this.#timer)
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  async #post(letter: Letter): Promise<void> {
    try {
      letter.resolve(await this.channel.publish(letter.messages))
    } catch (cause) {
      if (this.#closed || !this.channel.isOutage(cause)) return letter.reject(this.#closed?.error ?? cause)
      this.#waiting = [...this.#waiting, letter].toSorted((a, b) => a.number - b.number)
      if (!this.channel.isAttached) this.flush()
      else if (this.channel.isConnected) this.#timer = setTimeout(() => this.flush(), retryDelay)
    }
  }
}
