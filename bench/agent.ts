import type { UIMessageChunk } from 'ai'
import { Conversation } from './conversation.ts'
import type { AgentContender } from './contenders/agents.ts'
import { FakeChannel } from '../test/support/fake-ably.ts'
import { median } from './report.ts'

const deltaCount = 5000
const rounds = 11

/** Microseconds to publish one delta of a reply, for each contender; they take turns. */
export async function pipeCosts(contenders: readonly AgentContender[]): Promise<(contender: AgentContender) => number> {
  const costs = new Map<AgentContender, number[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const cost = await pipe(contender)
      // NOTE: the first round only warms up
      if (round > 0) costs.get(contender)!.push(cost)
    }
  }
  return (contender) => median(costs.get(contender)!)
}

async function pipe(contender: AgentContender): Promise<number> {
  const channel = new FakeChannel()
  const prompt = new Conversation().prompt('Tell me everything.')
  const eventId = (prompt.extras as { ai: { transport: Record<string, string> } }).ai.transport['event-id']!
  const reply = await contender.answer(channel, eventId, () => channel.deliver(prompt))
  let heard = 0
  await channel.subscribe(({ action, data }) => void (action === 'message.append' && data !== '' && heard++))
  const stream = streamOf(deltaCount)
  const start = performance.now()
  await reply.pipe(stream)
  const time = performance.now() - start
  await reply.close()
  if (heard !== deltaCount) throw new Error(`${contender.name} published ${heard} of ${deltaCount} deltas`)
  return (time * 1000) / deltaCount
}

function streamOf(count: number): ReadableStream<UIMessageChunk> {
  const chunks: UIMessageChunk[] = [
    { type: 'start', messageId: 'm' },
    { type: 'start-step' },
    { type: 'text-start', id: 't' },
    ...Array.from(
      { length: count },
      (_, index) => ({ type: 'text-delta', id: 't', delta: `token ${index} ` }) as const,
    ),
    { type: 'text-end', id: 't' },
    { type: 'finish-step' },
    { type: 'finish' },
  ]
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}
