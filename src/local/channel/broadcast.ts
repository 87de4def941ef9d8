import { encode, type Format } from '../wire/format'
import type { LogEvent } from './log'
import { writeMessage } from './message'
import { Action } from '../wire/protocol'

/** An event on its way to many receivers: each distinct frame is built once, however many receive it. */
export class Broadcast {
  readonly #frames = new Map<string, Uint8Array>()

  constructor(readonly event: LogEvent) {}

  /**
   * The frame for receivers of this format that know the channel by this name. An append goes out as its fragment, or
   * `whole` as the message with everything so far.
   */
  frame(channel: string, format: Format, whole: boolean): Uint8Array {
    const key = `${format} ${whole} ${channel}`
    let frame = this.#frames.get(key)
    if (!frame) this.#frames.set(key, (frame = this.#build(channel, format, whole)))
    return frame
  }

  #build(channel: string, format: Format, whole: boolean): Uint8Array {
    const { channelSerial, connectionId, entries, fragment } = this.event
    const messages = fragment && !whole ? [fragment] : entries.map((entry) => entry.message)
    return encode(format, {
      action: Action.Message,
      channel,
      channelSerial,
      id: messages[0]?.id,
      connectionId,
      timestamp: messages[0]?.timestamp,
      messages: messages.map((message) => writeMessage(message, format)),
    })
  }
}
