import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { historyOf, joinedAfter, randomFrom, shuffled } from '../support/channel-table'
import { Listener } from '../support/listener'
import { RandomConversation, type Happening } from '../support/random-conversation'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 }))
afterEach(() => void vi.useRealTimers())

/** Everything a session shows: the newest branch, all versions of every message, and all runs. */
function stateOf(listener: Listener, ids: readonly string[]): object {
  const state = listener.newcomerState(ids)
  const view = listener.session.createView()
  const messages = view
    .getMessages()
    .map(({ id, runId, state: how, steer, error }) => ({ id, runId, how, steer, error }))
  const pending = view.pending()
  view.close()
  return JSON.parse(JSON.stringify({ ...state, shown: messages, pending, all: listener.session.tree.runs() })) as object
}

const happening = fc.tuple(fc.nat(RandomConversation.kinds - 1), fc.nat(99), fc.nat(99)) as fc.Arbitrary<Happening>
const happenings = fc.array(happening, { minLength: 5, maxLength: 70, size: 'max' })

/** One way in which the same conversation arrives. */
interface Arrival {
  /** The share of deliveries that are already history when the session attaches. */
  share: number
  pageSize: number
  isHistoryFirst: boolean
  /** Whether history shows the channel as it is now instead of as it was at the attach. */
  isReadLate: boolean
  seed: number
  isDoubled: boolean
  /** How many live messages arrive between two frames. */
  perFrame: number
}

const arrival: fc.Arbitrary<Arrival> = fc.record({
  share: fc.constantFrom(0, 0.2, 0.5, 0.8, 1),
  pageSize: fc.constantFrom(1, 2, 3, 7, 100),
  isHistoryFirst: fc.boolean(),
  isReadLate: fc.boolean(),
  seed: fc.nat(10_000),
  isDoubled: fc.boolean(),
  perFrame: fc.constantFrom(1, 2, 5, Infinity),
})

/** Starts reading a channel. */
function join(past?: readonly ChannelMessage[], pageSize?: number): Promise<Listener> {
  // NOTE: the age of a request depends on the time of its arrival, so all of them share one time
  vi.setSystemTime(0)
  return Listener.on(past, pageSize)
}

async function arrive(wire: readonly ChannelMessage[], how: Arrival): Promise<Listener> {
  const count = Math.round(wire.length * how.share)
  const past = historyOf(how.isReadLate && !how.isHistoryFirst ? wire : wire.slice(0, count))
  const listener = await join(past, how.pageSize)
  const live = shuffled(joinedAfter(wire, count), randomFrom(how.seed))
  if (how.isHistoryFirst) await listener.readBack()
  const half = live.length / 2
  for (let at = 0, next = 0; at < live.length; at = next) {
    next = Math.min(at + how.perFrame, live.length)
    const frame = live.slice(at, next).flatMap((message) => (how.isDoubled ? [message, message] : [message]))
    listener.session.internals.act(() => listener.hear(frame))
    // NOTE: in the middle the page has time, so rows are packed
    if (at <= half && half < next) vi.advanceTimersByTime(20)
    vi.setSystemTime(0)
  }
  if (how.isDoubled) listener.hear(live)
  await listener.readBack()
  return listener
}

it('a session shows the same result, in any order of arrival', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000))
  console.info(`any-order: seed ${seed}`)
  await fc.assert(
    fc.asyncProperty(happenings, fc.array(arrival, { minLength: 3, maxLength: 3 }), async (given, arrivals) => {
      const conversation = new RandomConversation()
      for (const each of given) conversation.happen(each)
      const { wire } = conversation
      const ids = [...conversation.ids]
      const listener = await join()
      listener.hear(wire)
      const expected = stateOf(listener, ids)
      for (const how of arrivals) expect(stateOf(await arrive(wire, how), ids)).toEqual(expected)
    }),
    { seed, numRuns: 150 },
  )
})
