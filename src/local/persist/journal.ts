import type { Change, Entry } from '../channel/log'
import type { StoredMessage } from '../channel/message'

/**
 * Records all changes that must survive a restart, before they are acknowledged. `origin` is the connection and serial
 * of the frame.
 */
export interface Journal {
  /** A channel was created or lost its continuity: no client can resume from before that serial. */
  floor(channel: string, serial: string): void
  /** Messages are about to be published under a channel serial. */
  publish(channel: string, serial: string, messages: readonly StoredMessage[], origin?: string): void
  /** A message is about to be changed. */
  change(channel: string, target: Entry, change: Change, origin?: string): void
  /** A change took effect later than its version says. */
  moved(channel: string, target: Entry): void
  /** A channel was forgotten with all its messages. */
  forget(channel: string): void
}

/** Records nothing. */
export const noJournal: Journal = {
  floor() {},
  publish() {},
  change() {},
  moved() {},
  forget() {},
}
