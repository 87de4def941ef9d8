import { setTimeout as sleep } from 'node:timers/promises'
import type { InboundMessage } from 'ably'
import { Conversation, messagesOf } from './conversation.ts'
import type { Contender } from './contenders/contender.ts'
import { collectGarbage } from './garbage.ts'
import { FakeChannel } from '../test/support/fake-ably.ts'

/** Bytes of heap that a contender uses for each visible message. */
export async function heapPerMessage(contender: Contender, messageCount: number): Promise<number> {
  const past = messagesOf(new Conversation(), messageCount)
    .toReversed()
    .map((message) => JSON.stringify(message))
  // NOTE: parsed page by page, so that messages without a reference are freed as in an app
  const channel = new FakeChannel((from, to) => past.slice(from, to).map((text) => JSON.parse(text) as InboundMessage))
  const follower = await contender.follow(channel)
  const before = await usedHeap()
  await follower.load(messageCount)
  const after = await usedHeap()
  if (follower.count() < messageCount) throw new Error(`${contender.name} shows only ${follower.count()} messages`)
  await follower.close()
  return (after - before) / messageCount
}

/** Bytes of heap that a contender uses for each message of turns that it hears token by token, 150 to a reply. */
export async function heapPerLiveMessage(contender: Contender, turnCount: number): Promise<number> {
  const conversation = new Conversation()
  const channel = new FakeChannel()
  const follower = await contender.follow(channel)
  const before = await usedHeap()
  for (let turn = 0; turn < turnCount; turn++) {
    const prompt = conversation.prompt('Tell me about the next sight on our way, please.')
    const reply = conversation.reply()
    const text = reply.text()
    const tokens = Array.from({ length: 150 }, (_, index) => text.token(`a${index} `))
    for (const message of [prompt, ...reply.lead, text.start, ...tokens, text.end(), ...reply.close()])
      channel.deliver(JSON.parse(JSON.stringify(message)) as InboundMessage)
    // NOTE: joins the pieces of the text in memory, as drawing it does
    const shown = follower.text()
    shown.charCodeAt(shown.length - 1)
  }
  const after = await usedHeap()
  if (follower.count() < turnCount * 2) throw new Error(`${contender.name} shows only ${follower.count()} messages`)
  await follower.close()
  return (after - before) / (turnCount * 2)
}

/** A difference between two looks at the heap that is no sign of more to be freed, in bytes. */
const noise = 10_000

/** The heap in use once nothing of earlier measurements is left, and work that waits for an idle moment is done. */
async function usedHeap(): Promise<number> {
  let before = Infinity
  // NOTE: sessions that were closed are freed when their timers have run out, which can take several looks
  for (let look = 0; ; look++) {
    collectGarbage()
    await sleep(100)
    collectGarbage()
    const { heapUsed } = process.memoryUsage()
    if (look >= 3 && before - heapUsed < noise) return heapUsed
    before = heapUsed
  }
}
