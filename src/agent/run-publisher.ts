import type { WritableChannel } from '../ably/writable-channel'
import { sleep } from '../core/signals'
import type { Uplink } from '../ably/client'
import { isAway, isForGood, isPassing, isTooFast } from '../ably/publish-error'
import { ErrorCode, toSessionError, unableTo, type SessionError } from '../core/errors'
import { headers, newId, noHeaders, Header, MessageName, type Headers, type OutgoingMessage } from '../core/wire'
import { isOpen } from '../core/log'
import type { Row } from '../core/rows'
import type { Tree } from '../core/tree'
import { outputExtras, plainest } from './run-messages'
import type { Urgency, SessionPacer } from './pacer'

type Extras = OutgoingMessage['extras']

/** The part of a session's channel that publishing needs. */
export interface PublishingChannel {
  readonly ably: Pick<WritableChannel, 'publishOne' | 'append' | 'update' | 'isSuspended'>
  readonly pacer: Pick<SessionPacer, 'add' | 'addText' | 'slowDown'>
  readonly uplink: Pick<Uplink, 'maxMessageSize' | 'connectionId' | 'isHeldUp'>
  readonly report: (error: SessionError) => void
}

interface RetryPolicy {
  /** @default 'urgent' */
  readonly urgency?: Urgency
  /** Whether to retry for two minutes instead of three times. @default false */
  readonly isPatient?: boolean
}

// NOTE: a cancel takes less than a second to arrive, and 40 pieces go out in one
const recentCount = 200

// NOTE: the start of a message, of its text, and the first piece of the text
const openingCount = 3

/**
 * Publishes messages about runs: those of one run, or the ends of runs whose agent is gone. Once shut, it publishes
 * nothing more, so that another process can adopt the run.
 */
export class RunPublisher {
  /** The outputs and steps that it has published. */
  readonly published = new PublishedRows()
  readonly #channel: PublishingChannel
  #isShut = false
  #outputCount = 0
  /** The newest pieces of text on the channel. */
  readonly #recent: { readonly version: string; readonly length: number }[] = []

  constructor(channel: PublishingChannel) {
    this.#channel = channel
  }

  get isShut(): boolean {
    return this.#isShut
  }

  shut(): void {
    this.#isShut = true
  }

  /** The largest message that the channel accepts, in bytes, headers included. */
  get maxMessageSize(): number {
    return this.#channel.uplink.maxMessageSize
  }

  /** Id of the present connection. */
  get connectionId(): string | undefined {
    return this.#channel.uplink.connectionId
  }

  /** Publishes an output in its turn, with two retries; resolves with its serial. */
  publish(message: OutgoingMessage): Promise<string> {
    return this.#persist(this.#publishing(message), { urgency: this.#urgency() })
  }

  // NOTE: the SDK sends a message again on a new connection; its id keeps the channel from storing it twice
  #publishing(message: OutgoingMessage): () => Promise<string> {
    const identified = { ...message, id: message.id ?? `${newId()}:0` }
    return () => this.#channel.ably.publishOne(identified)
  }

  /**
   * Publishes a lifecycle message of a run or step, which must not get lost: without its end a run looks active for
   * ever. Temporary refusals are retried for two minutes, and a network outage for as long as it lasts. If the channel
   * refuses it for good, though not for a missing right, its plainest form is published and the refusal is reported.
   *
   * @param action - names the publish in an error: "suspend the run"
   * @throws {@link SessionError} 104003 when the channel refuses both
   */
  async declare(action: string, message: OutgoingMessage, urgency?: Urgency): Promise<string> {
    const refusal = (cause: unknown): SessionError => toSessionError(action, ErrorCode.LifecyclePublishFailed, cause)
    const insist = (form: OutgoingMessage): Promise<string> =>
      this.#persist(this.#publishing(form), { urgency, isPatient: true })
    try {
      return await insist(message)
    } catch (cause) {
      if (this.#isShut || isPassing(cause) || isForGood(cause)) throw refusal(cause)
      const serial = await insist(plainest(message)).catch((further: unknown) => {
        throw refusal(further)
      })
      this.#channel.report(refusal(cause))
      return serial
    }
  }

  /** Calls back when text that waits may go out. */
  queueText(send: () => void): void {
    this.#channel.pacer.addText(this.#urgency(), send)
  }

  /** Appends to a message, now. */
  append(serial: string, data: string, extras: Extras): Promise<void> {
    return this.#isShut ? Promise.reject(detached()) : this.#append(serial, data, extras)
  }

  /** Appends to a message for the last time, before queued outputs. */
  end(serial: string, data: string, extras: Extras): Promise<void> {
    return this.#send('urgent', () => this.#append(serial, data, extras))
  }

  async #append(serial: string, data: string, extras: Extras): Promise<void> {
    const version = await this.#channel.ably.append(serial, data, extras)
    if (!version || data === '') return
    this.#recent.push({ version, length: data.length })
    if (this.#recent.length > recentCount) this.#recent.shift()
  }

  /** How much of the text, in UTF-16 units, the channel has behind this serial, as far as the newest pieces go. */
  textBehind(serial: string): number {
    return this.#recent.reduce((sum, { version, length }) => (version > serial ? sum + length : sum), 0)
  }

  /** Replaces a message's data, with retries. */
  update(serial: string, data: string, extras: Extras): Promise<void> {
    return this.#persist(() => this.#channel.ably.update(serial, data, extras))
  }

  /**
   * Closes as cancelled the streams that a former process of the run left open. A refused close, as for another client
   * id, is reported and leaves the stream open.
   */
  async closeOrphanedStreams(tree: Tree<object>, runId: string): Promise<void> {
    tree.settle()
    const rows = tree.runs.get(runId)?.rows ?? []
    const orphans = rows.filter((row) => row.name === MessageName.output && isOpen(row))
    await Promise.all(orphans.map((row) => this.#closeOrphan(row)))
  }

  async #closeOrphan({ serial, transport, codec }: Row): Promise<void> {
    try {
      await this.end(serial, '', outputExtras({ ...transport, [Header.status]: 'cancelled' }, codec))
    } catch (cause) {
      if (this.#isShut) return
      this.#channel.report(
        toSessionError('close a stream that another process has left open', ErrorCode.StreamRepairFailed, cause),
      )
    }
  }

  /**
   * Slows the connection down after a refusal for its rate, the session after one for its channel's; reports the first.
   */
  slowDown(cause: unknown): void {
    const { code = tooFast } = cause as { code?: number }
    if (this.#channel.pacer.slowDown(cause)) this.#channel.report(toSessionError('publish at full speed', code, cause))
  }

  #urgency(): Urgency {
    return this.#outputCount++ < openingCount ? 'opening' : 'content'
  }

  async #persist<T>(send: () => Promise<T>, { urgency = 'urgent', isPatient = false }: RetryPolicy = {}): Promise<T> {
    const giveUpAt = performance.now() + (isPatient ? patience : 0)
    for (let tries = 0; ;) {
      try {
        return await this.#send(urgency, send)
      } catch (error) {
        if (this.#isShut || !isPassing(error) || isTooFast(error)) throw error
        const delay = this.#isOutage(error) ? outageDelay : (retryDelays[tries++] ?? delayUntil(giveUpAt, error))
        if (delay === undefined) throw error
        await sleep(delay)
      }
    }
  }

  /** Whether the network is away for now. With a closed client it stays away. */
  #isOutage(error: unknown): boolean {
    return isAway(error) && (this.#channel.uplink.isHeldUp || this.#channel.ably.isSuspended)
  }

  /** Sends in turn, and again after a refusal for the rate, which means that the channel has not stored the message. */
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
    if (this.#isShut) return Promise.reject(detached())
    return new Promise((resolve, reject) => {
      this.#channel.pacer.add(urgency, () => {
        if (this.#isShut) reject(detached())
        else send().then(resolve, reject)
      })
    })
  }
}

/** The delay before a further retry; undefined when no retry can help. */
const delayUntil = (giveUpAt: number, error: unknown): number | undefined =>
  isAway(error) || performance.now() >= giveUpAt ? undefined : laterDelay

// In milliseconds
const retryDelays = [100, 1000]
const laterDelay = 5000
const outageDelay = 1000
/** How long to retry refusals for the rate, and lifecycle messages. */
const patience = 120_000

/** Ably's code for a connection that publishes too much. */
const tooFast = 42_911

const detached = (): SessionError => unableTo('publish', 'the session was detached from the run', ErrorCode.Closed)

/** The rows that this process has published of a run, so that the run can read them before their echo arrives. */
export class PublishedRows {
  readonly #rows: Row[] = []

  /** Adds an output. The caller keeps the row's data up to date while the output streams. */
  add(serial: string, transport: Headers, codec: Headers, data: unknown): Row {
    return this.#add(MessageName.output, { serial, transport, codec, data })
  }

  /** Adds the start of an attempt of a step. */
  addAttempt(serial: string, stepId: string): void {
    this.#add(MessageName.stepStart, {
      serial,
      transport: headers({ [Header.stepId]: stepId }),
      codec: noHeaders,
      data: undefined,
    })
  }

  #add(name: MessageName, told: Pick<Row, 'serial' | 'transport' | 'codec' | 'data'>): Row {
    const row: Row = {
      ...told,
      version: told.serial,
      name,
      clientId: undefined,
      timestamp: 0,
      partial: false,
      deleted: false,
    }
    this.#rows.push(row)
    return row
  }

  rows(): readonly Row[] {
    return this.#rows
  }
}
