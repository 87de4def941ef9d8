import type * as Ably from 'ably'

/** The received items, to be awaited. */
export interface Inbox<T> {
  readonly items: T[]
  /** Resolves once this many items have arrived. */
  until(count: number): Promise<T[]>
}

/** An inbox and the function that adds to it. */
export function inbox<T>(): Inbox<T> & { put(item: T): void } {
  const items: T[] = []
  return {
    items,
    put: (item) => void items.push(item),
    async until(count) {
      await eventually(
        () => items.length >= count,
        () => `${count} messages, after ${items.length}`,
      )
      return items
    },
  }
}

/** Subscribes to a channel. */
export async function subscribe(channel: Ably.RealtimeChannel): Promise<Inbox<Ably.InboundMessage>> {
  const box = inbox<Ably.InboundMessage>()
  await channel.subscribe((message) => box.put(message))
  return box
}

/** Subscribes to the presence of a channel. */
export async function listen(channel: Ably.RealtimeChannel): Promise<Inbox<Ably.PresenceMessage>> {
  const box = inbox<Ably.PresenceMessage>()
  await channel.presence.subscribe((message) => box.put(message))
  return box
}

/** Waits until a condition is true. */
export async function eventually(holds: () => unknown, what: () => string, within = 120_000): Promise<void> {
  const end = Date.now() + within
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what()}`)
    await sleep(10)
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** The next change to a connection state. */
export const nextState = (client: Ably.Realtime, state: Ably.ConnectionState) =>
  new Promise<Ably.ConnectionStateChange>((resolve) => client.connection.once(state, resolve))

/** Waits until a client is in a connection state. */
export const inState = (client: Ably.Realtime, state: Ably.ConnectionState) => client.connection.whenState(state)

/** The next event of a channel. */
export const nextEvent = (channel: Ably.RealtimeChannel, event: Ably.ChannelEvent) =>
  new Promise<Ably.ChannelStateChange>((resolve) => channel.once(event, resolve))

/** The data of messages. */
export const datas = (items: readonly { data?: unknown }[]) => items.map(({ data }) => data)

/** The action and data of a message. */
export const deeds = (items: readonly { action?: unknown; data?: unknown }[]) =>
  items.map(({ action, data }) => [action, data])
