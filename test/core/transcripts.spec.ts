import assert from 'node:assert'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { historyOf, randomFrom, shuffled } from '../support/channel-table'
import { Listener } from '../support/listener'
import { readTranscript, transcriptNames } from '../support/transcripts'

const pageSizes = [1, 2, 3, 7, 100]

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe.each(transcriptNames.filter((name) => name !== 'mid-stream-joiner'))('recording %s', (name) => {
  const { wire, history, expected, checkpoints, selections } = readTranscript(name)
  const ids = Object.keys(expected.history.branches!)

  it('gives the recorded state live, and at every checkpoint', async () => {
    const client = await Listener.on()
    let heard = 0
    for (const { afterWire, messages, runs } of checkpoints) {
      client.hear(wire.slice(heard, afterWire))
      heard = afterWire
      expect(client.state(), `after ${afterWire} messages`).toEqual({ messages, runs })
    }
    client.hear(wire.slice(heard))
    expect(client.state(ids)).toEqual(expected.observer)
  })

  it.runIf(selections.length > 0)('shows what is selected', async () => {
    for (const { view, codecMessageId, index, messages, runs } of selections) {
      const client = await Listener.on(view === 'history' ? history : [])
      if (view === 'history') await client.readBack()
      else client.hear(wire)
      client.view.branch(codecMessageId).select(index)
      expect(client.state(), `${view}: ${codecMessageId} at ${index}`).toEqual({ messages, runs })
    }
  })

  it.each(pageSizes)('gives the recorded state from history in pages of %i', async (pageSize) => {
    const client = await Listener.on(history, pageSize)
    await client.readBack()
    expect(client.state(ids)).toEqual(expected.history)
  })

  it('gives the same state when everything is delivered twice', async () => {
    const client = await Listener.on()
    for (const message of wire) client.hear([message, message])
    client.hear(wire)
    expect(client.state(ids)).toEqual(expected.observer)
  })

  it.each([1, 2, 3, 4, 5])('gives the same state when different messages overtake each other (seed %i)', async (seed) => {
    const client = await Listener.on()
    client.hear(shuffled(wire, randomFrom(seed)))
    assert.deepEqual(client.newcomerState(ids), expected.history)
  })

  it.each(wire.map((_, index) => index))('gives the same state when the first %i messages are history', async (count) => {
    const read = historyOf(wire.slice(0, count))
    const client = await Listener.on(read, 2)
    await client.readBack()
    client.hear(wire.slice(count))
    assert.deepEqual(client.newcomerState(ids), expected.history)
    const late = await Listener.on(read, 3)
    late.hear(wire.slice(count))
    await late.readBack()
    assert.deepEqual(late.newcomerState(ids), expected.history)
  })
})
