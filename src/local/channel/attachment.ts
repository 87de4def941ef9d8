import type { Broadcast, PresenceBroadcast } from './broadcast'
import type { Channel } from './channel'
import type { Format } from '../wire/format'
import type { Entry } from './log'
import { Action, Flag } from '../wire/protocol'
import { writeMessage } from './message'

/** The connection that receives the frames of an attachment. */
export interface Receiver {
  readonly connectionId: string
  readonly format: Format
  /** Whether it receives its own messages. */
  readonly echo: boolean
  /** Sends an encoded frame; `serial` is the message that it is about. */
  send(frame: Uint8Array, serial?: string): void
  /** Encodes and sends a frame. */
  sendFrame(frame: { action: number; [field: string]: unknown }): void
}

/** Messages in one frame of a replay. */
const REPLAY_PAGE = 50

/** A channel attached on one transport, with its modes and the messages it has received. */
export class Attachment {
  // NOTE: only a client that has the message can use an append; keyed by entry, so that an entry that the log
  // forgets is forgotten here
  #delivered = new WeakSet<Entry>()
  readonly #receiver: Receiver

  constructor(
    readonly channel: Channel,
    /** The channel name as the client wrote it. */
    readonly written: string,
    /** The requested mode bits. */
    readonly requested: number,
    /** The granted ones of them. */
    public modes: number,
    /** Recognised parameters, echoed in ATTACHED. */
    readonly params: ReadonlyMap<string, string>,
    receiver: Receiver,
  ) {
    this.#receiver = receiver
  }

  /** Whether a mode was granted. */
  has(mode: number) {
    return (this.modes & mode) !== 0
  }

  /** Takes over the state of the attachment that this one replaces on the same transport. */
  inherit(previous: Attachment) {
    this.#delivered = previous.#delivered
  }

  /** Forwards an event. An append goes out as a fragment if the client has the message so far. */
  deliver(broadcast: Broadcast) {
    const { connectionId, entries, fragment } = broadcast.event
    if (!this.has(Flag.Subscribe)) return
    if (!this.#receiver.echo && connectionId === this.#receiver.connectionId) return
    const [first] = entries
    const whole = !fragment || !first || !this.#delivered.has(first) || this.params.get('appendMode') === 'full'
    if (whole) for (const entry of entries) this.#delivered.add(entry)
    this.#receiver.send(broadcast.frame(this.written, this.#receiver.format, whole), first?.message.serial)
  }

  /** Forwards presence. A connection receives its own presence in any mode. */
  announce(broadcast: PresenceBroadcast) {
    const isOwn = broadcast.event.connectionId === this.#receiver.connectionId
    if (!isOwn && !this.has(Flag.PresenceSubscribe)) return
    this.#receiver.send(broadcast.frame(this.written, this.#receiver.format))
  }

  /**
   * Sends missed messages. Only the last frame moves the client's position to the head, so a client that is cut off
   * half way gets all of them again.
   */
  replay(entries: readonly Entry[], position: string, head: string) {
    if (!this.has(Flag.Subscribe)) return
    for (let from = 0; from < entries.length; from += REPLAY_PAGE) {
      const page = entries.slice(from, from + REPLAY_PAGE)
      for (const entry of page) this.#delivered.add(entry)
      this.#receiver.sendFrame({
        action: Action.Message,
        channel: this.written,
        channelSerial: from + REPLAY_PAGE < entries.length ? position : head,
        messages: page.map((entry) => writeMessage(entry.message, this.#receiver.format)),
      })
    }
  }
}
