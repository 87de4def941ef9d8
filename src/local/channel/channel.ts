import { Broadcast, PresenceBroadcast } from './broadcast'
import { notFound, ProtocolError } from '../wire/error'
import type { Limits } from '../limits'
import { RateLimit } from '../rate-limit'
import { ChannelLog, type Change, type Entry, type LogEvent, type SavedEntry } from './log'
import type { PresenceMessage } from './member'
import type { StoredMessage } from './message'
import { Presence } from './presence'
import { MessageAction, PresenceAction } from '../wire/protocol'
import { Rollup } from './rollup'
import { channelSerialOf, messageSerial, type NextSerial } from './serial'
import type { Journal } from '../persist/journal'

/** How long a message id is remembered, in ms. Publishing it again within that time changes nothing. */
const ID_MEMORY = 120_000

/** How many message ids are remembered. */
const MAX_IDS = 10_000

/** A subscriber of a channel. */
interface Subscriber {
  /** Whether a mode was granted. */
  has(mode: number): boolean
  deliver(broadcast: Broadcast): void
  announce(broadcast: PresenceBroadcast): void
}

/** The dependencies of a channel. */
export interface ChannelOptions {
  limits: Limits
  next: NextSerial
  journal: Journal
  onGrow: (bytes: number) => void
}

/** A channel: its log, its members, its attachments, and the rollup of its appends. */
export class Channel {
  /** The subscribers. */
  readonly attachments = new Set<Subscriber>()
  readonly presence: Presence
  readonly #log: ChannelLog
  readonly #rollup: Rollup
  readonly #limits: Limits
  readonly #journal: Journal
  readonly #rate: RateLimit
  readonly #ids = new Map<string, { serial: string; at: number }>()

  constructor(
    /** Its name, without qualifiers. */
    readonly name: string,
    { limits, next, journal, onGrow }: ChannelOptions,
  ) {
    this.#limits = limits
    this.#journal = journal
    this.#rate = new RateLimit(limits.maxChannelRate, (max) => tooFast(name, max))
    this.#log = new ChannelLog(next, onGrow)
    this.presence = new Presence(onGrow)
    this.#rollup = new Rollup((entry, change) => this.#apply(entry, change), limits.maxMessageSize)
    journal.floor(name, this.#log.floor)
  }

  /** Whether it may be forgotten: no attachment, no member and no pending append. */
  get isIdle() {
    return this.attachments.size === 0 && this.presence.size === 0 && this.#rollup.isIdle
  }

  /** Channel serial of the latest event. */
  get head() {
    return this.#log.head
  }

  /** The log, with every acknowledged change in it. */
  get log(): ChannelLog {
    this.#rollup.flush()
    return this.#log
  }

  /**
   * Publishes a batch, or nothing if all its ids were published recently.
   * @param origin - Connection and serial of the frame.
   * @returns the serials, one for each message
   * @throws ProtocolError 42913 if the channel takes no more messages this second
   */
  publish<T extends { id: string }>(
    batch: readonly T[],
    at: number,
    toMessage: (item: T, serial: string) => StoredMessage,
    origin?: string,
  ): string[] {
    const seen = batch.map((item) => this.#ids.get(item.id)).filter((known) => known && at - known.at < ID_MEMORY)
    if (batch.length > 0 && seen.length === batch.length) return seen.flatMap((known) => known?.serial ?? [])
    this.#rate.take(at, batch.length)
    const channelSerial = this.#log.reserve()
    const messages = batch.map((item, i) => toMessage(item, messageSerial(channelSerial, i)))
    this.#journal.publish(this.name, channelSerial, messages, origin)
    const event = this.#log.add(channelSerial, messages)
    this.#settle(messages, at)
    this.#tell(event)
    return messages.map(({ serial }) => serial)
  }

  /** Restores messages that were published in an earlier start. */
  takeBack(channelSerial: string, messages: readonly StoredMessage[]) {
    this.#log.add(channelSerial, messages)
    this.#settle(messages, messages[0]?.timestamp ?? 0)
  }

  /** Restores a saved message. */
  restore(saved: SavedEntry) {
    this.#log.restore(saved)
    this.#settle([saved.message], saved.message.timestamp)
  }

  /**
   * Continues after a restart, with the history of earlier starts.
   * @param since - Subscribers may have missed changes made after this time.
   */
  goOn(since: number) {
    const head = this.#log.advance()
    for (const entry of this.#log.read({ forwards: true })) {
      const { action, version } = entry.message
      if (action !== MessageAction.Create && version.timestamp > since) this.#log.move(entry, head)
    }
  }

  /**
   * The message that an operation is about.
   * @throws ProtocolError 40400 if it is unknown or forgotten
   */
  target(serial: string | undefined): Entry {
    if (!serial) throw new ProtocolError(40_003, 400, 'unable to change message; its serial is missing')
    const entry = this.#log.find(serial)
    if (!entry) throw notFound(`unable to change message; ${serial} not found`)
    return entry
  }

  /**
   * Updates, deletes or appends, at once or when the rollup window of the publisher ends.
   * @throws ProtocolError 42913 if the channel takes no more messages this second
   */
  change(entry: Entry, change: Change, window: number, origin?: string) {
    this.#rate.take(change.version.timestamp)
    this.#rollup.check(entry, change)
    this.#journal.change(this.name, entry, change, origin)
    this.#rollup.offer(entry, change, window)
  }

  /** Loses continuity: no client can resume from before now. */
  breakContinuity() {
    this.log.breakContinuity()
    this.#journal.floor(this.name, this.#log.floor)
  }

  /** Applies the appends that the rollup holds back. */
  flush() {
    this.#rollup.flush()
  }

  /** Lets members enter, update and leave, and tells the attached clients. */
  announce(connectionId: string, said: readonly PresenceMessage[], id?: string) {
    const messages = this.presence.apply(said)
    if (messages.length === 0) return
    const channelSerial = this.#log.advance()
    this.presence.record(channelSerial, messages)
    const broadcast = new PresenceBroadcast({ channelSerial, connectionId, id, messages })
    for (const attachment of this.attachments) attachment.announce(broadcast)
  }

  /** Removes all members of a connection. */
  dismiss(connectionId: string, timestamp: number) {
    // NOTE: an id of the endpoint is compared by time, so a client that returns can enter again
    const id = `leave-${this.#log.head.replace(/\W/g, '-')}`
    const leave = (member: PresenceMessage, i: number): PresenceMessage => ({
      ...member,
      id: `${id}:${i}`,
      action: PresenceAction.Leave,
      timestamp: Math.max(timestamp, member.timestamp),
    })
    this.announce(connectionId, this.presence.of(connectionId).map(leave))
  }

  /** Forgets the oldest message, else the oldest presence event; false if there is nothing to forget. */
  evict(): boolean {
    if (this.log.size === 0) return this.presence.evict()
    this.log.evict()
    return true
  }

  /** Stops the timers and drops their work. */
  close() {
    this.#rollup.clear()
  }

  #apply(entry: Entry, change: Change) {
    const event = this.#log.apply(entry, change)
    if (event.channelSerial !== channelSerialOf(change.version.serial)) this.#journal.moved(this.name, entry)
    this.#tell(event)
  }

  #settle(messages: readonly StoredMessage[], at: number) {
    for (const { id, serial } of messages) this.#remember(id, serial, at)
    while (this.#log.size > this.#limits.maxChannelMessages) this.#log.evict()
  }

  #tell(event: LogEvent) {
    const broadcast = new Broadcast(event)
    for (const attachment of this.attachments) attachment.deliver(broadcast)
  }

  #remember(id: string, serial: string, at: number) {
    this.#ids.delete(id)
    this.#ids.set(id, { serial, at })
    for (const [oldest, known] of this.#ids) {
      if (this.#ids.size <= MAX_IDS && at - known.at < ID_MEMORY) break
      this.#ids.delete(oldest)
    }
  }
}

const tooFast = (name: string, max: number) =>
  new ProtocolError(42_913, 429, `channel "${name}" takes no more than ${max} messages a second`)
