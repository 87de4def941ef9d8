import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { hear, newTree, stateOf } from '../support/transcripts'
import { message, output } from '../core/wire'

const part = (codec: Record<string, unknown>, data: unknown = 'x', id = 'p') =>
  message('ai-input', { role: 'user', 'codec-message-id': id }, { kind: 'user-message', ...codec }, data)

const shown = (...rows: Parameters<typeof hear>[1]) => {
  const tree = newTree()
  hear(tree, rows)
  return stateOf(tree).messages.map((each) => each.message)
}

it('a prompt takes text, files and data from every publisher', () => {
  const rows = [
    part({ messageId: 'mine' }),
    part({ messageId: 'mine', partType: 'file', mediaType: 'image/png' }, 'https://example.com/a.png'),
    part({ messageId: 'mine', partType: 'data-place', id: '1' }, { city: 'Rome' }),
  ]
  expect(shown(...rows)).toEqual([
    {
      id: 'mine',
      role: 'user',
      parts: [
        { type: 'text', text: 'x' },
        { type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png' },
        { type: 'data-place', id: '1', data: { city: 'Rome' } },
      ],
    },
  ])
})

it('a prompt has replacement characters for halves of characters, which JSON and msgpack would carry differently', () => {
  const parts = [
    { type: 'text', text: 'Cut \ud83d' },
    { type: 'file', mediaType: 'text/plain', url: 'data:,', filename: `${'x'.repeat(3999)}😀` },
    { type: 'data-note', data: '\ude00 cut' },
  ] as const
  const encoded = UIMessageCodec.encode({
    type: 'message',
    message: { id: 'p', role: 'user', parts: [...parts] },
  }).parts
  expect(encoded.map(({ data }) => data)).toEqual(['Cut \ufffd', 'data:,', '\ufffd cut'])
  expect(encoded[1]!.codec.filename).toBe(`${'x'.repeat(3999)}\ufffd`)
})

const forged = ['dynamic-tool', 'tool-pay', 'reasoning', 'step-start', 'source-url', '', 'data', '__proto__']

it.each(forged)('a prompt takes no part of the kind %j', (partType) => {
  expect(shown(part({ partType }))).toEqual([])
  expect(shown(part({ messageId: 'p' }), part({ partType, messageId: 'q' }))).toEqual([
    { id: 'p', role: 'user', parts: [{ type: 'text', text: 'x' }] },
  ])
})

it.each(forged)('a reply takes no part of the kind %j from a prompt either', (partType) => {
  const steer = output('r', { kind: 'user-message', partType }, 'x', { 'codec-message-id': 's', role: 'user' })
  expect(shown(output('r', { kind: 'text' }, 'Hi'), steer)).toHaveLength(1)
})

it('a prompt takes no part that changes its kind later', () => {
  const first = part({})
  const tree = newTree()
  hear(tree, [first, part({})])
  const forgery = {
    ai: { ...(first.extras as { ai: object }).ai, codec: { kind: 'user-message', partType: 'tool-pay' } },
  }
  hear(tree, [{ ...first, action: 'message.update', version: { serial: 's999999999' }, extras: forgery }])
  expect(stateOf(tree).messages[0]!.message.parts).toEqual([{ type: 'text', text: 'x' }])
})

it('a prompt that names no id has the id that the channel gives it', () => {
  expect(shown(part({})).map(({ id }) => id)).toEqual(['p'])
  expect(shown(part({ messageId: '' })).map(({ id }) => id)).toEqual(['p'])
  expect(shown(part({ messageId: 'mine' }), part({})).map(({ id }) => id)).toEqual(['mine'])
})

it('a prompt with metadata that is too long for its headers is refused', () => {
  const prompt = (metadata: unknown) =>
    UIMessageCodec.encode(
      UIMessageCodec.createUserMessage({ id: 'p', role: 'user', metadata, parts: [{ type: 'text', text: 'x' }] }),
    )
  expect(prompt({ a: 'y'.repeat(7_000) }).parts).toHaveLength(1)
  expect(() => prompt({ a: 'y'.repeat(8_000) })).toThrow('unable to send the message; its metadata is longer than')
})
