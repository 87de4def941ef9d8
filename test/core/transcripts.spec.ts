import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { historyOf, joinedAfter, randomFrom, shuffled } from '../support/channel-table'
import { Listener } from '../support/listener'
import { readTranscript, transcriptNames } from '../support/transcripts'
import { deviations, rightState, type Moment } from './deviations'

const pageSizes = [1, 2, 3, 7, 100]

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(() => void vi.useRealTimers())

describe.each(transcriptNames)('recording %s', (name) => {
  const { wire, fullWire = wire, history, expected, checkpoints, selections } = readTranscript(name)
  const ids = Object.keys(expected.history.branches!)
  const right = (state: typeof expected.history, moment: Moment) => rightState(name, state, moment)
  const isStraight = !Object.values(expected.history.branches!).some(({ hasSiblings }) => hasSiblings)
  const live = right(expected.observer, { from: 'live' })
  const whole = right(expected.history, { from: 'history' })

  it('gives the recorded state live, and at every checkpoint', async () => {
    const client = await Listener.on()
    let heard = 0
    for (const { afterWire, messages, runs } of checkpoints) {
      client.hear(wire.slice(heard, afterWire))
      heard = afterWire
      const state = right({ messages, runs }, { from: 'live', afterWire })
      expect(client.state(), `after ${afterWire} messages`).toEqual(state)
    }
    client.hear(wire.slice(heard))
    expect(client.state(ids)).toEqual(live)
  })

  it.each(selections)(
    'shows the selected version ($view, $index of $codecMessageId)',
    async ({ view, codecMessageId, index, messages, runs }) => {
      const client = await Listener.on(view === 'history' ? history : [])
      if (view === 'history') await client.readBack()
      else client.hear(wire)
      client.view.branch(codecMessageId).select(index)
      expect(client.state()).toEqual(right({ messages, runs }, { from: 'selection' }))
    },
  )

  it.each(pageSizes)('gives the recorded state from history in pages of %i', async (pageSize) => {
    const client = await Listener.on(history, pageSize)
    await client.readBack()
    expect(client.state(ids)).toEqual(whole)
  })

  // NOTE: in other recordings a message that was shown can turn out to belong to another branch
  it.each(isStraight ? pageSizes : [])('shows one older message after the other from pages of %i', async (pageSize) => {
    const client = await Listener.on(history, pageSize)
    const counts = new Set<number>()
    while (client.view.hasOlder()) {
      await client.view.loadOlder(1)
      counts.add(client.view.getMessages().length)
    }
    expect([...counts]).toEqual(whole.messages.map((_, index) => index + 1))
    expect(client.state(ids)).toEqual(whole)
  })

  it('gives the same state if every message is delivered twice', async () => {
    const client = await Listener.on()
    for (const message of wire) client.hear([message, message])
    client.hear(wire)
    expect(client.state(ids)).toEqual(live)
  })

  it.each([1, 2, 3, 4, 5])('gives the same state if different messages overtake each other (seed %i)', async (seed) => {
    const client = await Listener.on()
    client.hear(shuffled(fullWire, randomFrom(seed)))
    expect(client.newcomerState(ids)).toEqual(whole)
  })

  it('gives the same state wherever the live part begins, with history read before or after it', async () => {
    for (let count = 0; count <= fullWire.length; count++) {
      const past = historyOf(fullWire.slice(0, count))
      const later = fullWire.slice(count)
      const first = await Listener.on(past, 2)
      await first.readBack()
      first.hear(later)
      expect(first.newcomerState(ids), `history first, ${count} messages`).toEqual(whole)
      // NOTE: Ably may turn the first append after an attach into an update or not, and history can be read
      // late
      for (const heard of [later, joinedAfter(fullWire, count)]) {
        for (const read of [past, history]) {
          const last = await Listener.on(read, 3)
          last.hear(heard)
          await last.readBack()
          expect(last.newcomerState(ids), `live first, ${count} messages`).toEqual(whole)
        }
      }
    }
  })
})

describe('recording mid-stream-joiner', () => {
  const name = 'mid-stream-joiner'
  const { wire, joinHistory = [], expected } = readTranscript(name)
  const ids = Object.keys(expected.history.branches!)

  it.each(pageSizes)('is right before and after history is read in pages of %i, live part first', async (pageSize) => {
    const client = await Listener.on(joinHistory, pageSize)
    client.hear(wire)
    expect(client.state(ids)).toEqual(rightState(name, expected.joinerBeforeHistory!, { from: 'live' }))
    await client.readBack()
    expect(client.state(ids)).toEqual(rightState(name, expected.joinerLiveFirst!, { from: 'history' }))
    expect(client.state(ids)).toEqual(expected.history)
  })

  it.each(pageSizes)('is right if history in pages of %i is read first', async (pageSize) => {
    const client = await Listener.on(joinHistory, pageSize)
    await client.readBack()
    expect(client.state(ids)).toEqual(expected.joinerAfterHistoryBeforeLive)
    client.hear(wire)
    expect(client.state(ids)).toEqual(expected.joinerHistoryFirst)
  })

  it.each(wire.map((_, index) => index))('is complete if history is read after %i live messages', async (count) => {
    const client = await Listener.on(joinHistory, 2)
    client.hear(wire.slice(0, count))
    await client.readBack()
    client.hear(wire.slice(count))
    expect(client.state(ids)).toEqual(expected.history)
  })
})

it('every recording with a known fault has a right state for it', () => {
  const noted = transcriptNames.filter((name) => 'peerDeviation' in readTranscript(name))
  expect(deviations.map(({ recording }) => recording)).toEqual(expect.arrayContaining(noted))
})

it.each(deviations)('the state differs from the recorded one in $recording: $reason', ({ recording, right }) => {
  const { expected, checkpoints, selections } = readTranscript(recording)
  const states = [
    ...Object.values(expected).map((state) => [state, { from: 'live' }] as const),
    ...Object.values(expected).map((state) => [state, { from: 'history' }] as const),
    ...checkpoints.map((state) => [state, { from: 'live', afterWire: state.afterWire }] as const),
    ...selections.map((state) => [state, { from: 'selection' }] as const),
  ]
  expect(states.some(([state, moment]) => JSON.stringify(right(state, moment)) !== JSON.stringify(state))).toBe(true)
})

it('the recorded channels are read from history as they were recorded', () => {
  for (const name of transcriptNames) {
    const { wire, fullWire = wire, history } = readTranscript(name)
    const inShort = (messages: typeof history) =>
      messages.map(({ serial, version, data }) => ({ serial, version: version?.serial, data }))
    const known = new Set(history.map(({ serial }) => serial))
    const read = historyOf(fullWire).filter(({ serial }) => known.has(serial))
    expect(inShort(read), `recording ${name}`).toEqual(inShort(history))
  }
})
