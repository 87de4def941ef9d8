import type { InboundMessage } from 'ably'
import { Conversation, messagesOf } from './conversation.ts'
import type { Contender, Follower } from './contenders/contender.ts'
import { FakeChannel } from '../test/support/fake-ably.ts'
import { lowerQuartile, median } from './report.ts'

const rounds = 5
const batchSize = 250
/** The first ones only warm up: code that has not run since the last collection is slow. */
const warmUpBatches = 4
const timedBatches = 16

/** One contender, showing a conversation of some length. */
interface Stage {
  contender: Contender
  channel: FakeChannel
  follower: Follower
  /** Microseconds per token, one for each round. */
  costs: number[]
}

/** Conversations of one length, the same for all contenders. */
interface Scene {
  length: number
  conversation: Conversation
  stages: Stage[]
}

/** Microseconds per token, by contender and by how many messages are visible. */
export type TokenCosts = (contender: Contender, length: number) => number

/** Streams the same replies to all contenders, which take turns, and measures what a token costs each of them. */
export async function tokenCosts(contenders: readonly Contender[], lengths: readonly number[]): Promise<TokenCosts> {
  const scenes = await Promise.all(lengths.map((length) => setUp(contenders, length)))
  for (let round = 0; round <= rounds; round++) for (const scene of scenes) play(scene, round > 0)
  await Promise.all(scenes.flatMap(({ stages }) => stages).map(({ follower }) => follower.close()))
  return (contender, length) => {
    const { stages } = scenes.find((scene) => scene.length === length)!
    return median(stages.find((stage) => stage.contender === contender)!.costs)
  }
}

async function setUp(contenders: readonly Contender[], length: number): Promise<Scene> {
  const conversation = new Conversation()
  const past = messagesOf(conversation, length).toReversed()
  const stages: Stage[] = []
  for (const contender of contenders) {
    const channel = new FakeChannel((from, to) => past.slice(from, to))
    const follower = await contender.follow(channel)
    if (follower.count() < length) await follower.load(length)
    if (follower.count() !== length)
      throw new Error(`${contender.name} shows ${follower.count()} of ${length} messages`)
    stages.push({ contender, channel, follower, costs: [] })
  }
  return { length, conversation, stages }
}

/** Streams one reply. */
function play({ conversation, stages }: Scene, isTimed: boolean): void {
  const prompt = conversation.prompt('And then?')
  const reply = conversation.reply()
  const batches = Array.from({ length: warmUpBatches + timedBatches }, (_, batch) =>
    JSON.stringify(Array.from({ length: batchSize }, (_, index) => reply.token(`token ${batch}.${index} `))),
  )
  const rest = reply.close()
  for (const stage of stages) {
    deliver(stage, [prompt, ...reply.lead])
    // NOTE: every contender gets its own copies, fresh from the parser as from the network
    const times = batches.map((batch) => timeOf(stage, JSON.parse(batch) as InboundMessage[]))
    // NOTE: a quick batch, so that whoever else uses the machine meanwhile counts little
    if (isTimed) stage.costs.push((lowerQuartile(times.slice(warmUpBatches)) * 1000) / batchSize)
    deliver(stage, rest)
    if (!stage.follower.text().endsWith(`.${batchSize - 1} `)) throw new Error(`${stage.contender.name} lost tokens`)
  }
}

function timeOf(stage: Stage, tokens: readonly InboundMessage[]): number {
  const start = performance.now()
  deliver(stage, tokens)
  return performance.now() - start
}

function deliver({ channel }: Stage, messages: readonly InboundMessage[]): void {
  for (const message of messages) channel.deliver(message)
}
