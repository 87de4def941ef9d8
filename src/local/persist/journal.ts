import type { Change, Entry } from '../channel/log'
import type { StoredMessage } from '../channel/message'

/**
 * Is told of all that must survive a restart, before it is acknowledged. `origin` is the connection and the serial of
 * the frame that asked for it.
 */
export interface Journal {
  /** A channel came to be, or lost its continuity: nothing before that serial is covered. */
  floor(channel: string, serial: string): void
  /** Messages are about to be published under a channel serial. */
  publish(channel: string, serial: string, messages: readonly StoredMessage[], origin?: string): void
  /** A message is about to be changed. */
  change(channel: string, target: Entry, change: Change, origin?: string): void
  /** A change took effect later than its version says. */
  moved(channel: string, target: Entry): void
  /** A channel is gone, with all that was in it. */
  forget(channel: string): void
}

/** Remembers nothing. */
export const noJournal: Journal = {
  floor() {},
  publish() {},
  change() {},
  moved() {},
  forget() {},
}
