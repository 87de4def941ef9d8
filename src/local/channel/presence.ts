import { memberKey, type PresenceMessage, type PresenceRecord } from './member'
import { sizeOf } from './message'
import { byteLength } from './payload'
import { messageSerial } from './serial'
import { Timeline, type Range } from './timeline'
import { PresenceAction } from '../wire/protocol'

/** Events remembered for the presence history of a channel. */
const MAX_PAST = 1_000

/** The members of a channel and their history. It knows nothing of connections, timers or formats. */
export class Presence {
  readonly #members = new Map<string, PresenceMessage>()
  readonly #past = new Timeline<PresenceRecord>()
  readonly #onGrow: (bytes: number) => void

  constructor(onGrow: (bytes: number) => void) {
    this.#onGrow = onGrow
  }

  /** How many members are present. */
  get size() {
    return this.#members.size
  }

  /** The members, each with the id of its latest message, sorted by key. */
  get members(): PresenceMessage[] {
    return [...this.#members]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, member]) => ({ ...member, action: PresenceAction.Present }))
  }

  /** The members of one connection. */
  of(connectionId: string): PresenceMessage[] {
    return [...this.#members.values()].filter((member) => member.connectionId === connectionId)
  }

  /** How many members there would be after these messages. */
  sizeAfter(messages: readonly PresenceMessage[]): number {
    const keys = new Set(this.#members.keys())
    for (const message of messages) {
      if (message.action === PresenceAction.Leave) keys.delete(memberKey(message))
      else keys.add(memberKey(message))
    }
    return keys.size
  }

  /** Applies messages; returns those to send to subscribers. */
  apply(messages: readonly PresenceMessage[]): PresenceMessage[] {
    return messages.flatMap((message) => this.#apply(message) ?? [])
  }

  /** Adds events under a channel serial to the history. */
  record(channelSerial: string, messages: readonly PresenceMessage[]) {
    messages.forEach((message, i) => {
      this.#past.push({ serial: messageSerial(channelSerial, i), timestamp: message.timestamp, message })
      this.#onGrow(footprint(message))
    })
    while (this.#past.size > MAX_PAST) this.evict()
  }

  /** Events of a range, in reading direction. */
  read(range: Range): Generator<PresenceRecord> {
    return this.#past.read(range)
  }

  /** Forgets the oldest event; false if there is none. */
  evict(): boolean {
    const record = this.#past.shift()
    if (record) this.#onGrow(-footprint(record.message))
    return record !== undefined
  }

  #apply(message: PresenceMessage): PresenceMessage | undefined {
    const key = memberKey(message)
    const member = this.#members.get(key)
    if (message.action === PresenceAction.Leave) {
      this.#members.delete(key)
      // NOTE: a leave is sent even for an unknown member: clients of 2024 send it before the enter that it follows.
      // A leave without data has the data of the latest message
      return member && message.data === undefined ? withDataOf(member, message) : message
    }
    // NOTE: the SDK enters again after each attach, with the id of its first enter
    if (member?.id === message.id) return undefined
    const told = member ? message : { ...message, action: PresenceAction.Enter }
    this.#members.set(key, told)
    return told
  }
}

const withDataOf = ({ data, encoding, extras }: PresenceMessage, message: PresenceMessage): PresenceMessage => ({
  ...message,
  data,
  encoding,
  extras: message.extras ?? extras,
})

const footprint = ({ id, clientId, data, extras }: PresenceMessage) =>
  300 + id.length + sizeOf('', clientId, extras) + byteLength(data)
