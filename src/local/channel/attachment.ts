import type { Broadcast, PresenceBroadcast } from './broadcast'
import type { Channel } from './channel'
import type { Format } from '../wire/format'
import type { Entry } from './log'
import { Action, Flag } from '../wire/protocol'
import { writeMessage } from './message'

/** Who receives what an attachment delivers. */
export interface Receiver {
  readonly connectionId: string
  readonly format: Format
  /** Whether it wants its own messages back. */
  readonly echo: boolean
  /** Sends a frame that is encoded already. */
  send(frame: Uint8Array): void
  /** Encodes and sends a frame. */
  sendFrame(frame: { action: number; [field: string]: unknown }): void
}

/** Messages in one frame of a replay. */
const REPLAY_PAGE = 50

/** One channel as attached on one transport: what it asked for, and what it has been sent. */
export class Attachment {
  // NOTE: an append makes sense only to one who has the message; keyed by entry, so that what the log forgets is
  // forgotten here
  #delivered = new WeakSet<Entry>()
  readonly #receiver: Receiver

  constructor(
    readonly channel: Channel,
    /** The channel name as the client wrote it. */
    readonly written: string,
    /** Mode bits that were asked for. */
    readonly requested: number,
    /** Those of them that were granted. */
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

  /** Takes over from the attachment that this one replaces on the same transport. */
  inherit(previous: Attachment) {
    this.#delivered = previous.#delivered
  }

  /** Passes an event on, appends as fragments to those who have the message so far. */
  deliver(broadcast: Broadcast) {
    const { connectionId, entries, fragment } = broadcast.event
    if (!this.has(Flag.Subscribe)) return
    if (!this.#receiver.echo && connectionId === this.#receiver.connectionId) return
    const [first] = entries
    const whole = !fragment || !first || !this.#delivered.has(first) || this.params.get('appendMode') === 'full'
    if (whole) for (const entry of entries) this.#delivered.add(entry)
    this.#receiver.send(broadcast.frame(this.written, this.#receiver.format, whole))
  }

  /** Passes on what members did. Those of the same connection hear of themselves in any mode. */
  announce(broadcast: PresenceBroadcast) {
    const isOwn = broadcast.event.connectionId === this.#receiver.connectionId
    if (!isOwn && !this.has(Flag.PresenceSubscribe)) return
    this.#receiver.send(broadcast.frame(this.written, this.#receiver.format))
  }

  /**
   * Sends what was missed. Only the last frame moves the client's position to the head: one who is cut off half way
   * comes back for all of it.
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
