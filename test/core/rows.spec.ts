import * as fc from 'fast-check'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Log } from '../../src/core/log'
import { packRows, tuplesOf, unpackRows, type SessionRows } from '../../src/core/rows'
import type { ChannelMessage } from '../../src/core/wire'
import { historyOf, joinedAfter } from '../support/channel-table'
import { Listener } from '../support/listener'
import { RandomConversation, type Happening } from '../support/random-conversation'
import { hear, newTree, readTranscript, stateOf, transcriptNames } from '../support/transcripts'
import { later, output, prompt, runMessage } from './wire'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A copy as JSON preserves it, which is the form in which rows are sent. */
const travelled = (rows: SessionRows): SessionRows => JSON.parse(JSON.stringify(rows)) as SessionRows

const rowsOf = (tree: { log: Log }): SessionRows => travelled(packRows(tuplesOf(tree.log.rows()), tree.log.newest))

const messagesOf = (rows: unknown): ChannelMessage[] => unpackRows(rows)!.messages

function treeAfter(messages: readonly ChannelMessage[]): ReturnType<typeof newTree> {
  const tree = newTree()
  hear(tree, messages)
  return tree
}

/** The row of a message after it was packed and unpacked. */
function afterJourney(...messages: ChannelMessage[]) {
  const log = new Log()
  for (const each of messagesOf(rowsOf(treeAfter(messages)))) log.apply(each)
  return log.get(messages[0]!.serial!)
}

describe.each(transcriptNames)('rows of recording %s', (name) => {
  const { wire, fullWire = wire, history, expected } = readTranscript(name)
  const ids = Object.keys(expected.history.branches!)

  it('give the same tree as the live messages and as history', () => {
    for (const heard of [fullWire, history.toReversed()]) {
      const tree = newTree()
      hear(tree, heard)
      const copy = newTree()
      hear(copy, messagesOf(rowsOf(tree)))
      expect(stateOf(copy)).toEqual(stateOf(tree))
      expect(rowsOf(copy)).toEqual(rowsOf(tree))
    }
  })

  it('are complete after a late join once history is read', async () => {
    const count = Math.floor(fullWire.length / 2)
    const tree = newTree()
    hear(tree, joinedAfter(fullWire, count))
    hear(tree, historyOf(fullWire.slice(0, count)).toReversed())
    const copy = await Listener.on(messagesOf(rowsOf(tree)).toReversed())
    await copy.readBack()
    const whole = await Listener.on(history)
    await whole.readBack()
    expect(copy.newcomerState(ids)).toEqual(whole.newcomerState(ids))
  })
})

it('packed rows give the same session, for any conversation', { timeout: 60_000 }, async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000))
  console.info(`rows: seed ${seed}`)
  const happening = fc.tuple(fc.nat(RandomConversation.kinds - 1), fc.nat(99), fc.nat(99)) as fc.Arbitrary<Happening>
  const happenings = fc.array(happening, { minLength: 5, maxLength: 70, size: 'max' })
  await fc.assert(
    fc.asyncProperty(happenings, async (given) => {
      const conversation = new RandomConversation()
      for (const each of given) conversation.happen(each)
      const ids = [...conversation.ids]
      vi.setSystemTime(0)
      const live = await Listener.on()
      live.hear(conversation.wire)
      const rows = rowsOf(treeAfter(conversation.wire))
      vi.setSystemTime(0)
      const copy = await Listener.on(messagesOf(rows).toReversed())
      await copy.readBack()
      expect(copy.newcomerState(ids)).toEqual(live.newcomerState(ids))
      expect(copy.session.tree.runs()).toEqual(live.session.tree.runs())
    }),
    { seed, numRuns: 100 },
  )
})

describe('one row', () => {
  const binary = new Uint8Array([0, 1, 128, 255])

  it.each([
    ['text', 'grüß 👋'],
    ['an object', { a: [1, null, { b: 'c' }] }],
    ['null', null],
    ['nothing', undefined],
    ['bytes', binary],
  ])('keeps %s as its data', (_, data) => {
    expect(afterJourney({ ...output('r', { kind: 'file' }), data })?.data).toEqual(data)
  })

  it('gives bytes for an ArrayBuffer', () => {
    const create = output('r', { kind: 'file' }, binary.buffer)
    expect(afterJourney(create)?.data).toEqual(binary)
  })

  it('keeps the publisher, time, headers, and the version of an open stream', () => {
    const headers = { stream: 'true', status: 'streaming', 'stream-id': 't' }
    const create = { ...output('r', { kind: 'text', __proto__x: 'y' }, 'a', headers), clientId: 'agent' }
    const grown = later(create, 'message.append', { data: 'b' })
    const row = treeAfter([create, grown]).log.get(create.serial!)!
    const { home: _home, part: _part, ...facts } = row
    expect(afterJourney(create, grown)).toMatchObject(facts)
  })

  it('keeps only the fact that a deleted message is deleted', () => {
    const said = prompt('p')
    const rows = rowsOf(treeAfter([said, later(said, 'message.delete', { data: 'secret' })]))
    expect(JSON.stringify(rows)).not.toMatch(/secret|user-message/)
    const tree = treeAfter([...messagesOf(rows), said])
    expect(tree.inputs.size).toBe(0)
  })

  it('is left out while the start of its data is unknown', () => {
    const create = output('r', { kind: 'text' }, '', { stream: 'true', status: 'streaming' })
    const tail = later(create, 'message.append', { transport: { stream: 'true', status: 'streaming' }, data: 'b' })
    expect(rowsOf(treeAfter([tail])).rows).toEqual([])
  })
})

it('packed rows are sorted by serial, in any order of arrival', () => {
  const messages = [prompt('a'), prompt('b'), prompt('c')]
  const serials = messages.map(({ serial }) => serial)
  expect(messagesOf(rowsOf(treeAfter(messages.toReversed()))).map(({ serial }) => serial)).toEqual(serials)
})

it('packed rows share the texts of their headers: at most 200 bytes a row, 60 compressed', () => {
  let [count, bytes, compressed] = [0, 0, 0]
  for (const name of transcriptNames) {
    const rows = rowsOf(treeAfter(readTranscript(name).history.toReversed()))
    const text = JSON.stringify(rows)
    count += rows.rows.length
    bytes += text.length
    compressed += gzipSync(text).length
  }
  console.info(`rows: ${(bytes / count).toFixed(0)} bytes each, ${(compressed / count).toFixed(0)} compressed`)
  expect(bytes / count).toBeLessThan(200)
  expect(compressed / count).toBeLessThan(60)
})

describe('an invalid value instead of packed rows', () => {
  const good = rowsOf(treeAfter([prompt('p'), runMessage('ai-run-start', 'r')]))

  it.each([
    ['nothing', undefined],
    ['a text', 'rows'],
    ['a list', []],
    ['another object', {}],
    ['no version number', { ...good, v: undefined }],
    ['no serial', { ...good, until: 1 }],
    ['no rows', { ...good, rows: undefined }],
    ['rows that are not rows', { ...good, rows: [1] }],
    ['rows without headers', { ...good, rows: [['s', '', 0]] }],
    ['no header texts', { ...good, texts: undefined }],
    ['only some texts', { ...good, texts: good.texts.slice(0, 3) }],
    ['texts that are numbers', { ...good, texts: good.texts.map(() => 5) }],
    ['rows without a serial', { ...good, rows: good.rows.map(([, ...row]) => [null, ...row]) }],
  ])('is ignored with a warning: %s', (_, value) => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    expect(unpackRows(value)).toBeUndefined()
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/Rows are ignored: they are not a value/)])
  })

  it('is ignored with a warning that names both versions if a newer version wrote it', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    expect(unpackRows({ ...good, v: 2 })).toBeUndefined()
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/they have format 2, .* reads format 1/)])
  })
})
