import type { ChannelMessage } from '../../src/core/wire'

/**
 * The channel as Ably's history has it after these deliveries: newest first, appends rolled up, nothing
 * ephemeral.
 */
export function historyOf(wire: readonly ChannelMessage[]): ChannelMessage[] {
  const items = new Map<string, ChannelMessage>()
  for (const message of wire) {
    const { serial = '' } = message
    const item = items.get(serial)
    if (item && versionOf(message) <= versionOf(item)) continue
    items.set(serial, item && message.action === 'message.append' ? lengthened(item, message) : message)
  }
  const lasting = [...items.values()].filter(({ extras }) => !(extras as { ephemeral?: boolean } | null)?.ephemeral)
  return lasting.toSorted((a, b) => (a.serial! < b.serial! ? 1 : -1))
}

const versionOf = ({ version, serial = '' }: ChannelMessage): string => version?.serial ?? serial

const lengthened = (item: ChannelMessage, { data, extras, version }: ChannelMessage): ChannelMessage => ({
  ...item,
  action: 'message.update',
  data: `${item.data as string}${data as string}`,
  ...(extras !== undefined && { extras }),
  ...(version && { version }),
})

/** Pseudo-random numbers between 0 and 1, always the same for a seed. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
}

/** A shuffle that keeps the deliveries of one serial in order, as Ably does. */
export function shuffled<T extends { serial?: string }>(messages: readonly T[], random: () => number): T[] {
  const queues = Map.groupBy(messages, (message) => message.serial)
  const order = messages.map(({ serial }) => ({ serial, rank: random() })).toSorted((a, b) => a.rank - b.rank)
  return order.map(({ serial }) => queues.get(serial)!.shift()!)
}

/**
 * The messages of a client that attaches after this many deliveries: a message's first append arrives as a full
 * update.
 */
export function joinedAfter(wire: readonly ChannelMessage[], count: number): ChannelMessage[] {
  const met = new Set<string | undefined>()
  return wire.slice(count).flatMap((message, index) => {
    const isFirst = !met.has(message.serial)
    met.add(message.serial)
    if (!isFirst || message.action !== 'message.append') return [message]
    return historyOf(wire.slice(0, count + index + 1)).filter(({ serial }) => serial === message.serial)
  })
}
