import type { UIMessageChunk } from 'ai'
import { FakeChannel } from '../test/support/fake-ably.ts'
import { startClock } from './clock.ts'
import type { AgentContender, OpenReply } from './contenders/agents.ts'
import { Conversation } from './conversation.ts'
import { median } from './report.ts'

const rounds = 7

/** Microseconds for each token of a whole answer that the model has ready, for each contender; they take turns. */
export const pipeCosts = (contenders: readonly AgentContender[], tokenCount: number) =>
  costsOf(contenders, async (contender) => {
    const { reply, channel } = await answer(contender)
    let heard = 0
    await channel.subscribe(({ action, data }) => {
      if (action === 'message.append') heard += String(data).length
    })
    const stop = startClock()
    await reply.pipe(streamOf(wholeAnswer(tokenCount)))
    const time = stop()
    await reply.close()
    if (heard !== tokenCount * token.length) throw new Error(`${contender.name} published ${heard} characters`)
    return (time * 1000) / tokenCount
  })

/** Microseconds from a cancel on the channel to the abort of its run, whose model is silent. */
export const cancelCosts = (contenders: readonly AgentContender[]) =>
  costsOf(contenders, async (contender) => {
    const times: number[] = []
    for (let index = 0; index < 100; index++) times.push(await cancelOne(contender))
    return median(times.slice(25))
  })

async function cancelOne(contender: AgentContender): Promise<number> {
  const { reply, channel, cancel } = await answer(contender)
  const model = Promise.withResolvers<void>()
  const waits = Promise.withResolvers<void>()
  const piping = reply.pipe(streamOf(silentAnswer(model.promise, waits.resolve)))
  await waits.promise
  const aborted = new Promise<number>((resolve) => {
    reply.abortSignal.addEventListener('abort', () => resolve(performance.now()), { once: true })
  })
  const start = performance.now()
  channel.deliver(cancel)
  const time = (await aborted) - start
  model.resolve()
  await piping
  await reply.close()
  return time * 1000
}

async function costsOf(
  contenders: readonly AgentContender[],
  measure: (contender: AgentContender) => Promise<number>,
): Promise<(contender: AgentContender) => number> {
  const costs = new Map<AgentContender, number[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const cost = await measure(contender)
      // NOTE: the first round only warms up
      if (round > 0) costs.get(contender)!.push(cost)
    }
  }
  return (contender) => median(costs.get(contender)!)
}

/** A reply to a new prompt, and a cancel that names the prompt. */
async function answer(contender: AgentContender) {
  const channel = new FakeChannel()
  const conversation = new Conversation()
  const prompt = conversation.prompt('Tell me everything.')
  const eventId = (prompt.extras as { ai: { transport: Record<string, string> } }).ai.transport['event-id']!
  const reply: OpenReply = await contender.answer(channel, eventId, () => channel.deliver(prompt))
  return { reply, channel, cancel: conversation.cancel() }
}

const token = 'abcd'
const opening: readonly UIMessageChunk[] = [
  { type: 'start', messageId: 'm' },
  { type: 'start-step' },
  { type: 'text-start', id: 't' },
]
const delta: UIMessageChunk = { type: 'text-delta', id: 't', delta: token }

async function* wholeAnswer(tokenCount: number): AsyncGenerator<UIMessageChunk> {
  yield* opening
  for (let index = 0; index < tokenCount; index++) yield delta
  yield { type: 'text-end', id: 't' }
  yield { type: 'finish-step' }
  yield { type: 'finish' }
}

async function* silentAnswer(model: Promise<void>, onWait: () => void): AsyncGenerator<UIMessageChunk> {
  yield* opening
  yield delta
  onWait()
  await model
}

const streamOf = (chunks: AsyncGenerator<UIMessageChunk>): ReadableStream<UIMessageChunk> =>
  new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
