import { describe, expect, it } from 'vitest'
import { hear, newTree, readBack, readTranscript, stateOf } from '../support/transcripts'

/** What a fresh client shows after hearing everything; where the recorded one is at fault, what is right. */
const liveStates = [
  'text-simple',
  'reasoning-text',
  'concurrent-two-interleaved',
  'cancel-mid-stream',
  'cancel-then-send',
  'multi-device',
  'run-error',
  'appends-conflated',
  'cancel-before-run-start',
  'cancel-from-other-client',
  'client-tool-result-resume',
  'cold-agent',
  'data-parts',
  'duplicate-delivery',
  'files-and-sources',
  'foreign-traffic',
  'pipe-source-throws',
  'recovery-update-tail',
  'regenerate',
  'regenerate-early-turn',
  'regenerate-of-regenerate',
  'run-error-bare',
  'server-tool-multistep',
  'session-end-open-run',
  'steer-consumed',
  'steer-not-consumed',
  'step-retry',
  'suspend-resume',
  'tool-input-streamed',
  'two-pipes',
  'user-multipart',
  'anonymous-client',
]

const pageSizes = [1, 2, 3, 7, 100]

/** A seeded shuffle that keeps the deliveries of one serial in order, as Ably does. */
function shuffled<T extends { serial?: string }>(messages: readonly T[], seed: number): T[] {
  let state = seed
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
  const queues = Map.groupBy(messages, (message) => message.serial)
  const order = messages.map(({ serial }) => ({ serial, rank: random() })).toSorted((a, b) => a.rank - b.rank)
  return order.map(({ serial }) => queues.get(serial)!.shift()!)
}

describe.each(liveStates)('recording %s', (name) => {
  const { wire, history, expected, checkpoints } = readTranscript(name)

  it('gives the recorded state live, and at every checkpoint', () => {
    const tree = newTree()
    let heard = 0
    for (const { afterWire, messages, runs } of checkpoints) {
      hear(tree, wire.slice(heard, afterWire))
      heard = afterWire
      expect(stateOf(tree), `after ${afterWire} messages`).toEqual({ messages, runs })
    }
    hear(tree, wire.slice(heard))
    expect(stateOf(tree)).toMatchObject({ messages: expected.observer.messages, runs: expected.observer.runs })
  })

  it.each(pageSizes)('gives the recorded state from history in pages of %i', (pageSize) => {
    const tree = newTree()
    readBack(tree, history, pageSize)
    expect(stateOf(tree)).toEqual({ messages: expected.history.messages, runs: expected.history.runs })
  })

  it('gives the same state when everything is delivered twice', () => {
    const tree = newTree()
    for (const message of wire) hear(tree, [message, message])
    hear(tree, wire)
    expect(stateOf(tree)).toEqual({ messages: expected.observer.messages, runs: expected.observer.runs })
  })

  it.each([1, 2, 3, 4, 5])('gives the same state when different messages overtake each other (seed %i)', (seed) => {
    const tree = newTree()
    hear(tree, shuffled(wire, seed))
    expect(stateOf(tree)).toEqual({ messages: expected.observer.messages, runs: expected.observer.runs })
  })
})

describe('recording mid-stream-joiner', () => {
  const { wire, history, joinHistory = [], expected } = readTranscript('mid-stream-joiner')
  const right = { messages: expected.history.messages, runs: expected.history.runs }

  it.each(pageSizes)('ends complete when history in pages of %i comes after the live part', (pageSize) => {
    const tree = newTree()
    hear(tree, wire)
    readBack(tree, joinHistory, pageSize)
    expect(stateOf(tree)).toEqual(right)
  })

  it.each(pageSizes)('ends complete when history in pages of %i comes first', (pageSize) => {
    const tree = newTree()
    readBack(tree, joinHistory, pageSize)
    hear(tree, wire)
    expect(stateOf(tree)).toEqual(right)
  })

  it.each(pageSizes)('gives the whole from history in pages of %i', (pageSize) => {
    const tree = newTree()
    readBack(tree, history, pageSize)
    expect(stateOf(tree)).toEqual(right)
  })

  it.each(wire.map((_, index) => index))('ends complete when history comes after %i live messages', (count) => {
    const tree = newTree()
    hear(tree, wire.slice(0, count))
    readBack(tree, joinHistory, 2)
    hear(tree, wire.slice(count))
    expect(stateOf(tree)).toEqual(right)
  })

  it('shows the partial reply as a root while its prompt is unknown', () => {
    const tree = newTree()
    hear(tree, wire.slice(0, 1))
    expect(stateOf(tree).messages.map(({ message }) => message.parts)).toEqual([
      [{ type: 'step-start' }, { type: 'text', text: 'Once upon a ' }],
    ])
    expect(stateOf(tree).runs).toMatchObject([{ status: 'active' }])
  })
})
