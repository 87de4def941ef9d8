import {
  Conversation,
  messagesOf,
  paragraph,
  type Past,
  type StreamedPart,
  type StreamedReply,
} from './conversation.ts'
import type { Contender } from './contenders/contender.ts'
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

/** Streams to many replies in turn, and measures the cost of a token by the number of replies. */
export function interleavedTokenCosts(
  contenders: readonly Contender[],
  runCounts: readonly number[],
): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(runCounts.map((count) => [count, manyReplies(count)])))
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

function manyReplies(count: number): Scene {
  const conversation = new Conversation()
  return { past: nothing(), unitsPerBatch: batchSize, round: () => replies(conversation, count) }
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
