import type { FakeChannel } from '../../test/support/fake-ably.ts'

/** A client that shows a conversation, without a DOM. */
export interface Follower {
  /** Loads `count` older messages. */
  load(count: number): Promise<void>
  /** The number of visible messages. */
  count(): number
  /** The text of the last message, as the item that shows it has last read it. */
  text(): string
  /** The versions of a message, for clients that have them. */
  branch?(messageId: string): Alternatives
  close(): Promise<unknown>
}

export interface Alternatives {
  readonly siblings: readonly unknown[]
  select(index: number): void
}

/** One of the compared clients. */
export interface Contender {
  readonly name: string
  follow(channel: FakeChannel): Promise<Follower>
}
