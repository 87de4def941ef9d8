import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { InboundMessage } from 'ably'
import { Conversation, messagesOf } from './conversation.ts'
import type { Contender } from './contenders/contender.ts'
import { FakeChannel } from '../test/support/fake-ably.ts'

setFlagsFromString('--expose-gc')

/** Collects garbage. */
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of heap that a contender uses for each visible message. */
export async function heapPerMessage(contender: Contender, messageCount: number): Promise<number> {
  const past = messagesOf(new Conversation(), messageCount)
    .toReversed()
    .map((message) => JSON.stringify(message))
  // NOTE: parsed page by page, so that messages without a reference are freed as in an app
  const channel = new FakeChannel((from, to) => past.slice(from, to).map((text) => JSON.parse(text) as InboundMessage))
  const follower = await contender.follow(channel)
  const before = usedHeap()
  await follower.load(messageCount)
  const after = usedHeap()
  if (follower.count() < messageCount) throw new Error(`${contender.name} shows only ${follower.count()} messages`)
  await follower.close()
  return (after - before) / messageCount
}

function usedHeap(): number {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}
