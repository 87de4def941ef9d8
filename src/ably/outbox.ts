import { isTooFast } from './publish-error'
import { deferred, type Deferred } from '../core/signals'
import { MessageName, type ChannelMessage, type OutgoingMessage } from '../core/wire'
import { PublishRate, rateOf, ratePeriod } from './rate'
import type { Channel } from './session-channel'

/** Messages that are published in one piece. */
interface QueuedPublish extends Deferred<readonly string[]> {
  readonly messages: readonly OutgoingMessage[]
  readonly number: number
  /** Whether the channel lacks them; undefined while that is not known. */
  readonly isNeeded: () => boolean | undefined
}

const isCancel = ({ messages }: QueuedPublish): boolean => messages[0]?.name === MessageName.cancel

/** Delay before the next attempt when a publish failed although the connection is up, in milliseconds. */
const retryDelay = 250

// NOTE: below Ably's usual limit of 50 messages per second for a channel. A verb may publish hundreds of cancels; the
// other sessions of the connection have room beside them
const maxOnChannel = 30

/**
 * Publishes the messages of one session in order, paced, and also through outages: the SDK keeps them through short
 * ones, the outbox through long ones. Only a message that the channel refuses for the rate can come behind later ones.
 * Every message has an id of its own, so Ably stores a message that is published again after an unclear failure once.
 */
export class Outbox {
  readonly #channel: Channel
  readonly #ensureAttached: () => Promise<void>
  readonly #onPublished: ((messages: readonly ChannelMessage[]) => void) | undefined
  #queue: QueuedPublish[] = []
  /** Pieces that the SDK has, and the channel perhaps not. */
  readonly #sent = new Set<QueuedPublish>()
  readonly #rate = new PublishRate()
  #count = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed: { error: unknown } | undefined

  /**
   * @param ensureAttached - Attaches the channel unless the SDK does so by itself; rejects when the channel refuses.
   * @param onPublished - Called with the messages as the channel has them, where the client gets no echo of its own.
   */
  constructor(
    channel: Channel,
    ensureAttached: () => Promise<void>,
    onPublished?: (messages: readonly ChannelMessage[]) => void,
  ) {
    this.#channel = channel
    this.#ensureAttached = ensureAttached
    this.#onPublished = onPublished
  }

  /**
   * Resolves with the serials once the channel has the messages; rejects when the channel refuses them.
   *
   * @param isNeeded - Whether the channel lacks them, asked when their turn comes; undefined lets them wait for `flush`
   */
  publish(
    messages: readonly OutgoingMessage[],
    isNeeded: QueuedPublish['isNeeded'] = () => true,
  ): Promise<readonly string[]> {
    if (this.#closed) return Promise.reject(this.#closed.error)
    const queued = { messages, isNeeded, number: ++this.#count, ...deferred<readonly string[]>() }
    this.#queue.push(queued)
    this.flush()
    return queued.promise
  }

  /** Publishes the queue if the channel is attached. */
  flush(): void {
    clearTimeout(this.#timer)
    if (!this.#closed) rateOf(this.#channel.connection).enter(this.#publishNext)
  }

  readonly #publishNext = (now: number): number => {
    const [first] = this.#queue
    if (!first) return 0
    if (!this.#channel.isAttached) {
      this.#ensureAttached().catch((error: unknown) => this.#reject(error))
      return 0
    }
    const isNeeded = first.isNeeded()
    // NOTE: a Stop of another run must not wait for a prompt that has to wait
    const next = isNeeded === undefined ? this.#queue.find(isCancel) : first
    if (!next) return 0
    const wait = this.#rate.wait(maxOnChannel, now)
    if (wait > 0) {
      this.#flushIn(wait)
      return 0
    }
    this.#queue.splice(this.#queue.indexOf(next), 1)
    if (isNeeded === false) {
      next.resolve([])
      return this.#publishNext(now)
    }
    this.#rate.add(now, next.messages.length)
    void this.#publish(next)
    return next.messages.length
  }

  #flushIn(delay: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.flush(), delay)
  }

  /**
   * Rejects the queue and everything that is published later; without a network also the pieces that the SDK keeps
   * until then.
   */
  close(error: unknown): void {
    this.#closed = { error }
    this.#reject(error)
    if (!this.#channel.isConnected) for (const { reject } of this.#sent) reject(error)
  }

  #reject(error: unknown): void {
    clearTimeout(this.#timer)
    rateOf(this.#channel.connection).leave(this.#publishNext)
    for (const { reject } of this.#queue.splice(0)) reject(error)
  }

  async #publish(queued: QueuedPublish): Promise<void> {
    this.#sent.add(queued)
    try {
      const serials = await this.#channel.publish(queued.messages)
      if (this.#rate.factor > 1) {
        this.#rate.recover(0.5)
        this.flush()
      }
      if (this.#onPublished && !this.#channel.hearsItself) this.#onPublished(this.#echo(queued, serials))
      queued.resolve(serials)
    } catch (cause) {
      const isFast = isTooFast(cause)
      if (this.#closed || (!isFast && !this.#channel.isOutage(cause)))
        return queued.reject(this.#closed?.error ?? cause)
      this.#queue = [...this.#queue, queued].toSorted((a, b) => a.number - b.number)
      // NOTE: other clients may have used up the rate of the channel, so one message goes first, a period later
      if (isFast) this.#rate.slowDown(maxOnChannel, maxOnChannel, ratePeriod / maxOnChannel)
      if (isFast || !this.#channel.isAttached) this.flush()
      else if (this.#channel.isConnected) this.#flushIn(retryDelay)
    } finally {
      this.#sent.delete(queued)
    }
  }

  #echo({ messages }: QueuedPublish, serials: readonly string[]): readonly ChannelMessage[] {
    const { clientId } = this.#channel
    return messages.map((message, index) => {
      const serial = serials[index]
      return { ...message, action: 'message.create', serial, version: { serial }, clientId, timestamp: Date.now() }
    })
  }
}
