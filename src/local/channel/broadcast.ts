import { encode, type Format } from '../wire/format'
import type { LogEvent } from './log'
import { writePresence, type PresenceMessage } from './member'
import { writeMessage } from './message'
import { Action } from '../wire/protocol'

/** The frames of one event. Each distinct frame is built once for all receivers. */
class Frames {
  readonly #frames = new Map<string, Uint8Array>()

  get(key: string, format: Format, build: () => object): Uint8Array {
    let frame = this.#frames.get(key)
    if (!frame) this.#frames.set(key, (frame = encode(format, build())))
    return frame
  }
}

/** Messages for many receivers. */
export class Broadcast {
  readonly #frames = new Frames()

  constructor(readonly event: LogEvent) {}

  /**
   * The frame for receivers of this format that know the channel by this name. An append goes out as its fragment, or
   * `whole` as the complete message.
   */
  frame(channel: string, format: Format, whole: boolean): Uint8Array {
    return this.#frames.get(`${format} ${whole} ${channel}`, format, () => this.#build(channel, format, whole))
  }

  #build(channel: string, format: Format, whole: boolean): object {
    const { channelSerial, connectionId, entries, fragment } = this.event
    const messages = fragment && !whole ? [fragment] : entries.map((entry) => entry.message)
    return {
      action: Action.Message,
      channel,
      channelSerial,
      id: messages[0]?.id,
      connectionId,
      timestamp: messages[0]?.timestamp,
      messages: messages.map((message) => writeMessage(message, format)),
    }
  }
}

/** Presence messages under one channel serial. */
interface PresenceEvent {
  channelSerial: string
  connectionId: string
  /** Start of the ids of the messages; absent if the endpoint makes a lost member leave. */
  id?: string
  messages: readonly PresenceMessage[]
}

/** Presence messages for many receivers. */
export class PresenceBroadcast {
  readonly #frames = new Frames()

  constructor(readonly event: PresenceEvent) {}

  /** The frame for receivers of this format that know the channel by this name. */
  frame(channel: string, format: Format): Uint8Array {
    const { messages, ...event } = this.event
    return this.#frames.get(`${format} ${channel}`, format, () => ({
      action: Action.Presence,
      channel,
      ...event,
      timestamp: messages[0]?.timestamp,
      presence: messages.map((message) => writePresence(message, format)),
    }))
  }
}
