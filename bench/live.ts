import type { InboundMessage } from 'ably'
import type { Past } from './conversation.ts'
import type { Contender, Follower } from './contenders/contender.ts'
import { FakeChannel } from '../test/support/fake-ably.ts'
import { lowerQuartile, median } from './report.ts'

/** The messages of one round: batches that are timed one by one, and the messages around them. */
export interface Round {
  before?: readonly InboundMessage[]
  batches: readonly (readonly InboundMessage[])[]
  after?: readonly InboundMessage[]
  /** The number of visible messages at its end, if that is checked. */
  shown?: number
  /** The end of the last visible text, if that is checked. */
  text?: string
}

/** A conversation that continues. */
export interface Scene {
  past: Past
  /** The number of units in one batch, for costs per unit. @default 1 */
  unitsPerBatch?: number
  round(): Round
}

/** One contender, showing one scene. */
interface Stage {
  contender: Contender
  channel: FakeChannel
  follower: Follower
  /** Microseconds per unit, one for each round. */
  costs: number[]
}

const rounds = 5
/**
 * The first batches of a round only warm up: code that has not run since the last garbage collection is slow.
 */
const warmUp = 0.2

/** Microseconds per unit, by contender and scene. */
export type Costs<Name> = (contender: Contender, scene: Name) => number

/** Delivers the same scenes to all contenders, in turns, and measures the cost for each. */
export async function liveCosts<Name extends string | number>(
  contenders: readonly Contender[],
  scenes: ReadonlyMap<Name, Scene>,
): Promise<Costs<Name>> {
  const stages = new Map<Name, Stage[]>()
  for (const [name, { past }] of scenes) stages.set(name, await setUp(contenders, past))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, scene] of scenes) play(scene, stages.get(name)!, round > 0)
  }
  await Promise.all([...stages.values()].flat().map(({ follower }) => follower.close()))
  return (contender, name) => median(stages.get(name)!.find((stage) => stage.contender === contender)!.costs)
}

/** Contenders that have loaded the same history. */
export async function setUp(contenders: readonly Contender[], { messages, shown }: Past): Promise<Stage[]> {
  const past = messages.toReversed()
  const stages: Stage[] = []
  for (const contender of contenders) {
    const channel = new FakeChannel((from, to) => past.slice(from, to))
    const follower = await contender.follow(channel)
    if (follower.count() < shown) await follower.load(shown)
    if (follower.count() !== shown) throw new Error(`${contender.name} shows ${follower.count()} of ${shown} messages`)
    stages.push({ contender, channel, follower, costs: [] })
  }
  return stages
}

function play(scene: Scene, stages: readonly Stage[], isTimed: boolean): void {
  const { before = [], batches, after = [], shown, text } = scene.round()
  const written = batches.map((batch) => JSON.stringify(batch))
  for (const stage of stages) {
    deliver(stage, before)
    // NOTE: every contender gets its own copies, new from the parser as from the network
    const times = written.map((batch) => timeOf(stage, JSON.parse(batch) as InboundMessage[]))
    const timed = times.slice(Math.floor(times.length * warmUp))
    // NOTE: a fast batch, so that other processes on the machine have little effect
    if (isTimed) stage.costs.push((lowerQuartile(timed) * 1000) / (scene.unitsPerBatch ?? 1))
    deliver(stage, after)
    check(stage, shown, text)
  }
}

function check({ contender, follower }: Stage, shown: number | undefined, text: string | undefined): void {
  const wrong =
    (shown !== undefined && follower.count() !== shown) || (text !== undefined && !follower.text().endsWith(text))
  if (wrong) throw new Error(`${contender.name} shows ${follower.count()} messages and "${follower.text().slice(-40)}"`)
}

function timeOf(stage: Stage, messages: readonly InboundMessage[]): number {
  const start = performance.now()
  deliver(stage, messages)
  return performance.now() - start
}

function deliver({ channel }: Stage, messages: readonly InboundMessage[]): void {
  for (const message of messages) channel.deliver(message)
}
