import type { FakeChannel } from '../../test/support/fake-ably.ts'

/** A client that follows a conversation and shows it, with nothing drawn. */
export interface Follower {
  /** Loads `count` older messages. */
  load(count: number): Promise<void>
  /** How many messages are shown. */
  count(): number
  /** The text of the last message, as whoever shows it has last read it. */
  text(): string
  /** The alternatives of a message, for those that have any. */
  branch?(messageId: string): Alternatives
  close(): Promise<unknown>
}

export interface Alternatives {
  readonly siblings: readonly unknown[]
  select(index: number): void
}

/** One of those that are compared. */
export interface Contender {
  readonly name: string
  follow(channel: FakeChannel): Promise<Follower>
}
