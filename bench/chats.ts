import { effects, type ChatClient } from './contenders/chat.ts'
import { lowerQuartile } from './report.ts'

const batchSize = 200
const batchCount = 20
/** The first batches only warm up. */
const warmUp = 2

/** Microseconds for a token of a streaming reply until it is visible, by client and length of the chat. */
export async function chatCosts(
  clients: readonly ChatClient[],
  lengths: readonly number[],
): Promise<(client: ChatClient, length: number) => number> {
  const costs = new Map<ChatClient, Map<number, number>>()
  for (const client of clients) {
    costs.set(client, new Map())
    // NOTE: the first chat of each client runs code that is not compiled yet
    await costOf(client, 10)
    for (const length of lengths) costs.get(client)!.set(length, await costOf(client, length))
  }
  return (client, length) => costs.get(client)!.get(length)!
}

async function costOf(client: ChatClient, length: number): Promise<number> {
  const chat = await client.open(length, effects)
  const times: number[] = []
  for (let batch = 0; batch < batchCount; batch++) {
    const deltas = Array.from({ length: batchSize }, (_, index) => `token ${batch}.${index} `)
    const start = performance.now()
    chat.hear(deltas)
    await chat.shows(deltas.at(-1)!)
    times.push(performance.now() - start)
  }
  if (chat.count() !== length) throw new Error(`${client.name} shows ${chat.count()} of ${length} messages`)
  chat.close()
  return (lowerQuartile(times.slice(warmUp)) * 1000) / batchSize
}
