import type { InboundMessage } from 'ably'
import { FakeChannel } from '../test/support/fake-ably.ts'
import { startClock } from './clock.ts'
import {
  Conversation,
  messagesOf,
  paragraph,
  type Past,
  type StreamedPart,
  type StreamedReply,
} from './conversation.ts'
import type { Contender } from './contenders/contender.ts'
import { median } from './report.ts'
import { liveCosts, type Costs, type Round, type Scene } from './live.ts'

const batchSize = 200
const batchCount = 20

/**
 * Streams the same replies to all contenders, and measures the cost of a token by the number of visible
 * messages.
 */
export function tokenCosts(contenders: readonly Contender[], lengths: readonly number[]): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(lengths.map((length) => [length, oneReply(length)])))
}

const interleavedTokens = 40_000

/** Microseconds for each message of replies that are streamed in turn, their beginnings and ends included. */
export async function interleavedCosts(
  contenders: readonly Contender[],
  runCounts: readonly number[],
): Promise<Costs<number>> {
  const costs = new Map<Contender, Map<number, number[]>>(contenders.map((each) => [each, new Map()]))
  for (let round = 0; round <= interleavedRounds; round++) {
    for (const count of runCounts) {
      for (const contender of contenders) {
        const cost = await interleave(contender, count)
        const known = costs.get(contender)!
        // NOTE: the first round only warms up
        if (round > 0) known.set(count, [...(known.get(count) ?? []), cost])
      }
    }
  }
  return (contender, count) => median(costs.get(contender)!.get(count)!)
}

const interleavedRounds = 3

async function interleave(contender: Contender, runCount: number): Promise<number> {
  const channel = new FakeChannel()
  const follower = await contender.follow(channel)
  const conversation = new Conversation()
  const prompts = Array.from({ length: runCount }, () => {
    const prompt = conversation.prompt('And then?')
    const reply = conversation.reply()
    const part = reply.text()
    return { reply, part, messages: [prompt, ...reply.lead, part.start] }
  })
  const tokens = Array.from({ length: interleavedTokens }, (_, index) => prompts[index % runCount]!.part.token('word '))
  const ends = prompts.flatMap(({ reply, part }) => [part.end(), ...reply.close()])
  const all = [...prompts.flatMap(({ messages }) => messages), ...tokens, ...ends]
  const messages = JSON.parse(JSON.stringify(all)) as InboundMessage[]
  const stop = startClock()
  for (const message of messages) channel.deliver(message)
  const time = stop()
  if (follower.count() !== runCount * 2) throw new Error(`${contender.name} shows ${follower.count()} messages`)
  await follower.close()
  return (time * 1000) / messages.length
}

/**
 * Streams to the last of a message's many text parts, and measures the cost of a token by the number of parts.
 */
export function tokenInPartCosts(
  contenders: readonly Contender[],
  partCounts: readonly number[],
): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(partCounts.map((count) => [count, manyParts(count)])))
}

function oneReply(length: number): Scene {
  const conversation = new Conversation()
  const past = { messages: messagesOf(conversation, length), shown: length }
  return { past, unitsPerBatch: batchSize, round: () => replies(conversation, 1) }
}

function manyParts(count: number): Scene {
  const conversation = new Conversation()
  return { past: nothing(), unitsPerBatch: batchSize, round: () => replies(conversation, 1, count) }
}

const nothing = (): Past => ({ messages: [], shown: 0 })

/** Some replies at once, of some parts each; tokens are appended to the last part of each in turn. */
function replies(conversation: Conversation, replyCount: number, partCount = 1): Round {
  const before = []
  const open: [StreamedReply, StreamedPart][] = []
  for (let index = 0; index < replyCount; index++) {
    before.push(conversation.prompt('And then?'))
    const reply = conversation.reply()
    const earlier = Array.from({ length: partCount - 1 }, () => reply.text().whole(paragraph))
    const last = reply.text()
    before.push(...reply.lead, ...earlier, last.start)
    open.push([reply, last])
  }
  // NOTE: versions order changes, so the ends are made last
  const batches = tokens(open.map(([, part]) => part))
  const after = open.flatMap(([reply, part]) => [part.end(), ...reply.close()])
  return { before, batches, after, text: `.${batchSize - 1} ` }
}

function tokens(parts: readonly StreamedPart[]) {
  return Array.from({ length: batchCount }, (_, batch) =>
    Array.from({ length: batchSize }, (_, index) => parts[index % parts.length]!.token(`token ${batch}.${index} `)),
  )
}
