import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createClientSession,
  dehydrateSession,
  UIMessageCodec,
  type DehydratedSession,
  type SessionStatus,
} from '../../src'
import type { ChannelMessage } from '../../src/core/wire'
import { prompt } from '../core/wire'
import { historyOf } from '../support/channel-table'
import { FakeChannel, fakeAbly } from '../support/fake-ably'
import { Listener } from '../support/listener'
import { readTranscript, transcriptNames } from '../support/transcripts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const sessionName = new FakeChannel().name

/** The rows of a session that has loaded its newest messages, after a round trip through JSON. */
async function rowsAfter(past: readonly ChannelMessage[], pageSize = 100): Promise<DehydratedSession> {
  const { session, view } = await Listener.on(historyOf(past), pageSize)
  await view.loadOlder(pageSize)
  const rows = JSON.parse(JSON.stringify(dehydrateSession(session))) as DehydratedSession
  await session.close()
  return rows
}

describe.each(transcriptNames)('a session from rows of recording %s', (name) => {
  const { wire, fullWire = wire, expected } = readTranscript(name)
  const ids = Object.keys(expected.history.branches!)

  it('shows the messages of the rows without a client', async () => {
    for (let count = 0; count <= fullWire.length; count++) {
      const past = fullWire.slice(0, count)
      const reader = await Listener.on(historyOf(past))
      await reader.readBack()
      const session = createClientSession({ sessionName, codec: UIMessageCodec, rows: await rowsAfter(past) })
      expect(session.view.snapshot(), `${count} messages`).toEqual(reader.view.snapshot())
      expect(session.view.runs()).toEqual(reader.view.runs())
      expect(session.view.hasOlder()).toBe(false)
      await session.close()
    }
  })

  it('is complete at the end, whichever messages were missed and whichever arrive live', async () => {
    const reader = await Listener.on(historyOf(fullWire))
    await reader.readBack()
    const whole = reader.newcomerState(ids)
    for (let count = 0; count <= fullWire.length; count++) {
      const rows = await rowsAfter(fullWire.slice(0, count))
      for (const missed of [0, 3]) {
        const attachedAt = Math.min(count + missed, fullWire.length)
        const { session, ...client } = await attachedWith(rows, historyOf(fullWire.slice(0, attachedAt)))
        client.hear(fullWire.slice(attachedAt))
        await inStep(session)
        expect(client.state(ids), `rows of ${count} messages, ${missed} missed`).toEqual(whole)
        await session.close()
      }
    }
  })
})

/** Resolves once a session is up to date. */
const inStep = (session: Listener['session'], end: SessionStatus = 'ready') =>
  new Promise<void>((resolve) => {
    if (session.status === end) resolve()
    else session.on('status', (next) => next === end && resolve())
  })

async function attachedWith(rows: DehydratedSession, past: readonly ChannelMessage[], pageSize = 2) {
  const listener = await Listener.on(past, pageSize, 'sync', rows)
  return {
    session: listener.session,
    hear: (messages: readonly ChannelMessage[]) => listener.hear(messages),
    state: (ids: readonly string[]) => listener.newcomerState(ids),
  }
}

describe('rows of a long conversation', () => {
  const wire = Array.from({ length: 40 }, (_, index) =>
    prompt(`p${index}`, index > 0 ? { parent: `p${index - 1}` } : {}),
  )
  const ids = wire.map((_, index) => `p${index}`)

  /** A session with rows of the newest ten messages, and the pages of history that it requests. */
  async function opened(missed: number, pageSize: number) {
    const rows = await rowsAfter(wire.slice(0, wire.length - missed), 10)
    const past = historyOf(wire)
    const asked: [number, number][] = []
    const channel = new FakeChannel((from, to) => {
      asked.push([from, to])
      return past.slice(from, to) as never
    })
    const session = createClientSession({
      client: fakeAbly(channel),
      sessionName,
      codec: UIMessageCodec,
      historyPageSize: pageSize,
      rows,
    })
    const shown = () => session.view.getMessages().map(({ id }) => id)
    return { session, asked, shown }
  }

  it.each([
    [0, 5],
    [0, 10],
    [0, 15],
    [3, 5],
    [3, 20],
    [25, 10],
    [30, 40],
  ])('show at once, and older messages load after them (%i missed, pages of %i)', async (missed, pageSize) => {
    const { session, asked, shown } = await opened(missed, pageSize)
    const first = ids.slice(30 - missed, 40 - missed)
    expect(shown()).toEqual(first)
    expect(session.view.hasOlder()).toBe(true)
    await session.connect()
    await inStep(session)
    expect(shown()).toEqual([...first, ...ids.slice(40 - missed)])
    await session.view.loadOlder(3)
    expect(shown()).toEqual([...ids.slice(27 - missed, 30 - missed), ...first, ...ids.slice(40 - missed)])
    while (session.view.hasOlder()) await session.view.loadOlder(10)
    expect(shown()).toEqual(ids)
    expect(asked).toEqual(asked.map((_, page) => [page * pageSize, (page + 1) * pageSize]))
    await session.close()
  })

  it('are continued from the end of a repair, also by a view that loads during the repair', async () => {
    const { session, asked, shown } = await opened(0, 10)
    await session.connect()
    expect(session.status).toBe('repairing')
    await session.view.loadOlder(5)
    expect(shown()).toEqual(ids.slice(25))
    expect(asked).toEqual([
      [0, 10],
      [10, 20],
    ])
    await session.close()
  })

  it('rows of a completely loaded conversation need one page of history to be up to date', async () => {
    const rows = await rowsAfter(wire, 100)
    const asked = vi.fn<(from: number) => void>()
    const channel = new FakeChannel((from, to) => {
      asked(from)
      return historyOf(wire).slice(from, to) as never
    })
    const session = createClientSession({ client: fakeAbly(channel), sessionName, codec: UIMessageCodec, rows })
    expect(session.view.hasOlder()).toBe(false)
    await session.connect()
    await inStep(session)
    expect(asked.mock.calls).toEqual([[0]])
    await session.close()
  })
})

it('a session reports a gap if history no longer reaches its rows, and keeps the rows', async () => {
  const rows = await rowsAfter([prompt('old')])
  const { session } = await attachedWith(rows, [prompt('new')])
  await inStep(session, 'gap')
  expect(session.view.getMessages().map(({ id }) => id)).toEqual(['old', 'new'])
})

it('an empty session opens from its rows, and shows the first message that arrives', async () => {
  const listener = await Listener.on([], 100, 'sync', await rowsAfter([]))
  await inStep(listener.session)
  listener.hear([prompt('first')])
  expect(listener.shown()).toEqual(['first'])
  expect(listener.view.hasOlder()).toBe(false)
})

it("a session reads history instead of another session's rows, and warns once", async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const rows = await rowsAfter([prompt('secret')])
  const past = [prompt('mine')]
  const listener = await Listener.on(past, 100, 'sync', { ...rows, session: 'ai:other' })
  expect(listener.shown()).toEqual([])
  await listener.readBack()
  expect(listener.shown()).toEqual(['mine'])
  expect(warn.mock.calls).toEqual([[expect.stringContaining('do not belong to session "ai:bench"')]])
})
