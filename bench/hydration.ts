import type { InboundMessage } from 'ably'
import { startClock } from './clock.ts'
import type { Past } from './conversation.ts'
import type { Contender } from './contenders/contender.ts'
import { collectGarbage } from './garbage.ts'
import type { Costs } from './live.ts'
import { FakeChannel } from '../test/support/fake-ably.ts'
import { median } from './report.ts'

export interface Hydration {
  /** Milliseconds of work until everything is visible. */
  time: number
  /** The longest time in milliseconds that a page could not react. */
  longestBlock: number
}

/** How a conversation is read. */
export interface Reading {
  /** How many messages of the channel come at once. @default 100 */
  readonly pageSize?: number
  /** How many messages are shown at a time. @default all */
  readonly step?: number
}

/** Reads a conversation, given oldest first, from history; all contenders take turns. */
export async function hydrations(
  contenders: readonly Contender[],
  { messages, shown }: Past,
  rounds: number,
  reading: Reading = {},
): Promise<(contender: Contender) => Hydration> {
  const past = messages.toReversed().map((message) => JSON.stringify(message))
  const all = new Map<Contender, Hydration[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) all.get(contender)!.push(await hydrate(contender, past, shown, reading))
  }
  return (contender) => {
    const measured = all.get(contender)!
    return {
      time: median(measured.map(({ time }) => time)),
      longestBlock: median(measured.map(({ longestBlock }) => longestBlock)),
    }
  }
}

/** Microseconds per item to read a history, by contender and size of the scene. */
export async function hydrationCosts(
  contenders: readonly Contender[],
  sizes: readonly number[],
  /** The number of items to read. */
  count: (size: number) => number,
  pastOf: (size: number) => Past,
): Promise<Costs<number>> {
  const times = new Map<number, Awaited<ReturnType<typeof hydrations>>>()
  for (const size of sizes) times.set(size, await hydrations(contenders, pastOf(size), 5))
  return (contender, size) => (times.get(size)!(contender).time * 1000) / count(size)
}

async function hydrate(
  contender: Contender,
  past: readonly string[],
  messageCount: number,
  { pageSize = 100, step = messageCount }: Reading,
): Promise<Hydration> {
  // NOTE: new from the parser, as from the network, but before the time counts; each message is let go of once it is read
  const messages = past.map((text): InboundMessage | undefined => JSON.parse(text) as InboundMessage)
  const take = (index: number): InboundMessage => {
    const message = messages[index]!
    messages[index] = undefined
    return message
  }
  const channel = new FakeChannel(
    (from, to) => Array.from({ length: Math.min(to, messages.length) - from }, (_, index) => take(from + index)),
    pageSize,
  )
  // NOTE: or the messages, which are made here and not by the contender, would be collected while it is measured
  collectGarbage()
  const watch = watchForBlocks()
  const stop = startClock()
  // NOTE: counted too, since a view of this package shows its first page on its own
  const follower = await contender.follow(channel)
  do await follower.load(step)
  while (follower.count() < messageCount)
  const time = stop()
  const longestBlock = watch.stop()
  if (follower.count() < messageCount) throw new Error(`${contender.name} shows only ${follower.count()} messages`)
  await follower.close()
  return { time, longestBlock }
}

/** Measures the longest work between two turns of the event loop; a short one by the time that passes, up to 8 ms. */
function watchForBlocks(): { stop(): number } {
  let longest = 0
  const atMost = 8
  let stop = startClock(atMost)
  const look = (): void => {
    longest = Math.max(longest, stop())
    stop = startClock(atMost)
  }
  let next = setImmediate(function again() {
    look()
    next = setImmediate(again)
  })
  return {
    stop() {
      clearImmediate(next)
      look()
      return longest
    },
  }
}
