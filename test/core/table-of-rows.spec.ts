import { expect, it } from 'vitest'
import { Log } from '../../src/core/log'
import { Tree } from '../../src/core/tree'
import type { ChannelMessage } from '../../src/core/wire'
import { UIMessageCodec } from '../../src/codec'
import { hear } from '../support/transcripts'
import { later, nextSerial, output, runMessage } from './wire'

const streaming = { stream: 'true', 'stream-id': 't', status: 'streaming' }
const stream = (runId = 'r', messageId = 'm') =>
  output(runId, { kind: 'text', id: 't' }, '', { ...streaming, 'codec-message-id': messageId })
const token = (of: ChannelMessage, data = 'x') => later(of, 'message.append', { data })

/** The row as history shows it after some of its messages. */
const asOf = (create: ChannelMessage, heard: readonly ChannelMessage[]): ChannelMessage => ({
  ...create,
  data: heard.map(({ data }) => data).join(''),
  action: 'message.update',
  version: heard.at(-1)?.version ?? create.version!,
})

/** A log that joins a stream of `count` tokens after the first `missed`, with the messages it receives. */
function joined(count: number, missed: number) {
  const create = stream()
  const tokens = Array.from({ length: count }, (_, index) => token(create, String(index % 10)))
  const log = new Log()
  for (const message of tokens.slice(missed)) log.apply(message)
  return { log, create, tokens, row: log.get(create.serial!)!, text: tokens.map(({ data }) => data).join('') }
}

it('a stream that was joined late does not keep one piece per token', () => {
  const { log, create, tokens, row, text } = joined(5000, 1)
  expect(row.pieces!.length).toBeLessThanOrEqual(201)
  log.apply(asOf(create, tokens.slice(0, 1)))
  expect(row.data).toBe(text)
  log.apply({ ...asOf(create, tokens), version: { serial: `${row.version}0` } })
  expect(row).toMatchObject({ data: text, partial: false, pieces: undefined })
})

it.each([3, 4000, 4900, 4999, 5000])('a beginning of %i tokens goes before the later text, or waits', (length) => {
  const { log, create, tokens, row, text } = joined(5000, 3)
  const rest = row.data
  log.apply(asOf(create, tokens.slice(0, length)))
  expect([text, rest]).toContain(row.data)
  expect(row.data === text).toBe(length === 3 || length >= 4900)
  log.apply(asOf(create, tokens))
  expect(row.data).toBe(text)
})

it('history is not read again for a stream that an ended run left open', () => {
  const tree = new Tree(UIMessageCodec)
  const create = stream()
  hear(tree, [runMessage('ai-run-start', 'r'), create, runMessage('ai-run-end', 'r')])
  expect(tree.oldestOpen()).toBe(create.serial)
  tree.endOverdue()
  tree.settle()
  expect(tree.oldestOpen()).toBeUndefined()
  hear(tree, [token(create)])
  expect(tree.oldestOpen()).toBeUndefined()
})

it('a growing row is noted once, however many streams take turns', () => {
  const tree = new Tree(UIMessageCodec)
  const streams = [stream('r', 'm1'), stream('r', 'm2')]
  for (const create of streams) tree.apply(create)
  tree.settle()
  const notes = new Set<unknown>()
  for (let turn = 0; turn < 1000; turn++) for (const create of streams) tree.apply(token(create))
  for (const create of streams) notes.add(tree.log.get(create.serial!))
  const grown: unknown[] = []
  for (const row of notes as Set<{ home: { grow(row: unknown): void } }>) row.home.grow = (each) => grown.push(each)
  tree.settle()
  expect(grown).toHaveLength(2)
})

it('each row keeps the headers it came with, however alike they are', () => {
  const given = { stream: 'false', 'run-id': 'r', parent: 'p', 'step-start-serial': 's', 'step-id': 'step' }
  const rows = [given, { ...given, 'step-id': 'other' }, { ...given, role: 'user' }, given].map((transport) =>
    output('r', { kind: 'file' }, '', transport),
  )
  for (const messages of [rows, rows.toReversed()]) {
    const log = new Log()
    for (const message of messages) log.apply(message)
    for (const { serial, extras } of rows)
      expect(log.get(serial!)!.transport).toEqual((extras as { ai: { transport: object } }).ai.transport)
  }
})

it('the log does not modify messages it receives', () => {
  const headers = Object.freeze({
    stream: 'false',
    'codec-message-id': 'a-rather-long-id',
    'run-id': 'another-long-id',
  })
  const log = new Log()
  const serial = nextSerial()
  log.apply({ name: 'ai-output', serial, extras: { ai: { transport: headers } } })
  expect(log.get(serial)!.transport).toEqual(headers)
})
