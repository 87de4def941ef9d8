import { appended, replaced, sizeOf, type Content, type StoredMessage, type Version } from './message'
import { byteLength } from './payload'
import { MessageAction } from '../wire/protocol'
import { bootOf, channelSerialOf, type NextSerial } from './serial'
import { Timeline, type Range } from './timeline'

/** One message of a channel with its changes. */
export interface Entry {
  /** Serial of the message, its place in the log. */
  readonly serial: string
  /** When it was published, in ms since the epoch. */
  readonly timestamp: number
  /** Its newest state. */
  message: StoredMessage
  /** Channel serial of the latest change. A subscriber that resumes from before it gets the message again. */
  changedAt: string
  /** Connection that made the latest change. */
  changedBy?: string
  /** Channel serial of the latest change by another connection; empty if there is none. */
  othersAt: string
  /** States after create, update and delete, oldest first; appends are not kept. */
  versions: StoredMessage[]
  /** Its approximate size in memory, in bytes. */
  bytes: number
}

/** An update, delete or append with its version, applied now or later. */
export interface Change {
  action: number
  content: Content
  version: Version
  /** Connection that requested it. */
  connectionId?: string
}

/** A saved message with its changes. */
export interface SavedEntry {
  message: StoredMessage
  versions: StoredMessage[]
  /** Channel serial of the latest change. */
  at: string
  /** Connection that made it. */
  by?: string
  /** Channel serial of the latest change by another connection. */
  others?: string
}

/** An event on the channel for its subscribers. */
export interface LogEvent {
  channelSerial: string
  /** Connection that caused it. */
  connectionId?: string
  entries: readonly Entry[]
  /** For an append: the added part only. */
  fragment?: StoredMessage
}

/** Versions kept of one message. */
const MAX_VERSIONS = 100

/**
 * The messages of one channel in the order of their serials, each in its newest state. It knows nothing of
 * connections, timers or formats.
 */
export class ChannelLog {
  /** Channel serial of the latest event. */
  head: string
  /** The oldest channel serial after which nothing is missing. */
  floor: string

  readonly #next: NextSerial
  readonly #onGrow: (bytes: number) => void
  readonly #bySerial = new Map<string, Entry>()
  readonly #entries = new Timeline<Entry>()

  constructor(next: NextSerial, onGrow: (bytes: number) => void = () => {}) {
    this.#next = next
    this.#onGrow = onGrow
    this.head = this.floor = next()
  }

  /** How many messages the log holds. */
  get size() {
    return this.#bySerial.size
  }

  /** The channel serial for the next publish. */
  reserve(): string {
    return this.#next()
  }

  /** Adds messages under a channel serial. */
  add(channelSerial: string, messages: readonly StoredMessage[]): LogEvent {
    this.head = channelSerial
    const entries = messages.map((message) => this.#add(message, channelSerial))
    return { channelSerial, connectionId: entries[0]?.message.connectionId, entries }
  }

  /** Applies a change whose version was given out before. */
  apply(entry: Entry, change: Change): LogEvent {
    const own = channelSerialOf(change.version.serial)
    // NOTE: a change that the rollup held back may be older than the head; subscribers must still see the
    // channel move forward
    return this.#apply(entry, change, own > this.head ? own : this.#next())
  }

  /** Applies a change of an earlier start again. */
  redo(entry: Entry, change: Change) {
    this.#apply(entry, change, channelSerialOf(change.version.serial))
  }

  /** Restores a message. */
  restore({ message, versions, at, by, others = '' }: SavedEntry) {
    const entry = this.#add(message, at)
    this.#grow(
      entry,
      versions.reduce((sum, version) => sum + footprint(version), -footprint(message)),
    )
    Object.assign(entry, { versions, changedBy: by, othersAt: others })
  }

  /** Moves the latest change of a message to a later serial. */
  move(entry: Entry, changedAt: string) {
    entry.changedAt = changedAt
  }

  /** The message with that serial, if the log holds it. */
  find(serial: string): Entry | undefined {
    return this.#bySerial.get(serial)
  }

  /** Whether every change after that channel serial is still known here. */
  covers(channelSerial: string): boolean {
    return bootOf(channelSerial) === bootOf(this.head) && channelSerial >= this.floor && channelSerial <= this.head
  }

  /** Messages created or changed after that channel serial, in the order of their creation. */
  changedAfter(channelSerial: string): Entry[] {
    return [...this.read({ forwards: true })].filter((entry) => entry.changedAt > channelSerial)
  }

  /** The newest messages for which a predicate holds, oldest first. */
  newest(isWanted: (entry: Entry, count: number) => boolean): Entry[] {
    const found: Entry[] = []
    for (const entry of this.read({ forwards: false })) {
      if (!isWanted(entry, found.length)) break
      found.push(entry)
    }
    return found.toReversed()
  }

  /** The channel serial just before a message was created. */
  serialBefore(entry: Entry): string {
    const own = channelSerialOf(entry.message.serial)
    const [previous] = this.read({ before: own, forwards: false })
    return previous ? channelSerialOf(previous.message.serial) : this.floor
  }

  /** Messages of a range, in reading direction. */
  read(range: Range): Generator<Entry> {
    return this.#entries.read(range)
  }

  /** Moves the head for an event that the log does not hold. */
  advance(): string {
    return (this.head = this.#next())
  }

  /** Loses continuity: no client can resume from before now. */
  breakContinuity(serial = this.#next()) {
    this.floor = this.head = serial
  }

  /** Forgets the oldest message. */
  evict() {
    const entry = this.#entries.shift()
    if (!entry) return
    this.#bySerial.delete(entry.serial)
    this.#onGrow(-entry.bytes)
    if (entry.changedAt > this.floor) this.floor = entry.changedAt
  }

  #apply(entry: Entry, change: Change, channelSerial: string): LogEvent {
    const { action, content, version, connectionId } = change
    this.head = channelSerial > this.head ? channelSerial : this.head
    const isAppend = action === MessageAction.Append
    const before = weight(entry.message)
    entry.message = isAppend
      ? appended(entry.message, content, version)
      : replaced(entry.message, action, content, version)
    if (connectionId !== entry.changedBy) entry.othersAt = entry.changedAt
    entry.changedAt = channelSerial
    entry.changedBy = connectionId
    if (isAppend) this.#grow(entry, byteLength(content.data) + weight(entry.message) - before)
    else this.#keepVersion(entry)
    if (!isAppend) return { channelSerial, connectionId, entries: [entry] }
    const fragment = { ...entry.message, action, data: content.data, encoding: content.encoding }
    return { channelSerial, connectionId, entries: [entry], fragment }
  }

  #add(message: StoredMessage, changedAt: string): Entry {
    const { serial, timestamp, connectionId: changedBy } = message
    const versions = [message]
    const entry: Entry = { serial, timestamp, message, changedAt, changedBy, othersAt: '', versions, bytes: 0 }
    this.#entries.push(entry)
    this.#bySerial.set(serial, entry)
    this.#grow(entry, footprint(message))
    return entry
  }

  #keepVersion(entry: Entry) {
    entry.versions.push(entry.message)
    this.#grow(entry, footprint(entry.message))
    if (entry.versions.length <= MAX_VERSIONS) return
    const dropped = entry.versions.shift()
    if (dropped) this.#grow(entry, -footprint(dropped))
  }

  #grow(entry: Entry, bytes: number) {
    // NOTE: a held append may be for a message that was forgotten meanwhile
    if (!this.#bySerial.has(entry.serial)) return
    entry.bytes += bytes
    this.#onGrow(bytes)
  }
}

/** An estimate, to bound memory. */
const footprint = (message: StoredMessage) => weight(message) + byteLength(message.data)

/** Size of a message besides its data, in bytes. */
const weight = ({ id, name, clientId, extras, version }: StoredMessage) =>
  500 + id.length + sizeOf(name, clientId, extras) + sizeOf(version.description, version.clientId, version.metadata)
