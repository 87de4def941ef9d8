import { describe, expect, it } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { later, message, output } from '../core/wire'
import { hear, newTree, stateOf } from '../support/transcripts'

const shown = (...rows: ChannelMessage[]) => {
  const tree = newTree()
  hear(tree, rows)
  return stateOf(tree).messages.map((each) => each.message)
}
const partsOf = (...rows: ChannelMessage[]) => shown(...rows)[0]?.parts.filter(({ type }) => type !== 'step-start')

describe('a message of a kind that this version does not know', () => {
  const kinds = ['reset-step', 'steering-message', 'hologram', 'constructor', '__proto__', '']

  it.each(kinds)('adds no message and no node: %j', (kind) => {
    const tree = newTree()
    hear(tree, [
      output('r', { kind }, { any: 'thing' }),
      message('ai-input', { role: 'user', 'codec-message-id': 'p' }, { kind }),
    ])
    expect([tree.runs.size, tree.inputs.size]).toEqual([0, 0])
  })

  it.each(kinds)('changes nothing in a reply: %j', (kind) => {
    const text = output('r', { kind: 'text' }, 'Hi')
    expect(shown(text, output('r', { kind }, 'x'), output('r', {}, 'x'))).toEqual(shown(text))
  })
})

describe('a missing or malformed header', () => {
  it.each([
    ['tool-input', 7, { type: 'tool-', toolCallId: '', state: 'input-available', input: 7 }],
    ['file', undefined, { type: 'file', mediaType: '', url: '' }],
    ['reasoning-file', 7, { type: 'reasoning-file', mediaType: '', url: '' }],
    ['custom', undefined, { type: 'custom', kind: '' }],
    ['source-url', 7, { type: 'source-url', sourceId: '', url: '' }],
    ['source-document', undefined, { type: 'source-document', sourceId: '', mediaType: '', title: '' }],
    ['tool-input-error', 'x', { type: 'tool-', toolCallId: '', state: 'output-error', errorText: '' }],
    ['text', { any: 'thing' }, { type: 'text', text: '' }],
    ['reasoning', null, { type: 'reasoning', text: '' }],
  ])('counts as empty or absent in %s', (kind, data, part) => {
    const odd = { providerMetadata: '{"acme":', toolMetadata: '[]', providerExecuted: 'maybe' }
    expect(partsOf(output('r', { kind }, data))).toEqual([part])
    expect(partsOf(output('r', { kind, ...odd }, data))).toEqual([part])
    expect(partsOf(output('r', { kind, providerMetadata: '{"acme":7}' }, data))).toEqual([part])
  })

  it('leaves the metadata of a message unchanged', () => {
    const rows = ['{"a":1}', '{"a":', 'null', undefined, '{"b":2}'].map((messageMetadata) =>
      output('r', { kind: 'start', messageMetadata }),
    )
    expect(shown(...rows)).toEqual([{ id: 'm', role: 'assistant', parts: [], metadata: { a: 1, b: 2 } }])
  })

  it('does not keep a reply from ending, with any reason', () => {
    const finish = (finishReason?: string) => output('r', { kind: 'finish', finishReason, messageMetadata: '{"a":1}' })
    const text = output('r', { kind: 'text' }, 'Hi')
    for (const reason of ['stop', 'hologram', undefined]) expect(shown(text, finish(reason))[0]).toMatchObject({ metadata: { a: 1 } }) // prettier-ignore
    expect(shown(finish('stop'))).toEqual([])
  })
})

describe('a stream of parts', () => {
  const streamed = { stream: 'true', status: 'streaming', 'stream-id': 't' }

  it('continues after its step has finished', () => {
    const text = output('r', { kind: 'text' }, 'He', streamed)
    const finishStep = output('r', { kind: 'finish-step' })
    const rest = later(text, 'message.append', { data: 'llo', transport: { status: 'complete' } })
    expect(partsOf(text, finishStep, rest)).toEqual([{ type: 'text', text: 'Hello' }])
  })

  it('takes its final headers at its end, live and from history', () => {
    const metadata = (sig: string) => ({ providerMetadata: JSON.stringify({ acme: { sig } }) })
    const open = output('r', { kind: 'reasoning', ...metadata('a') }, '', streamed)
    const close = later(open, 'message.append', { data: 'hm', transport: { status: 'complete' }, codec: metadata('b') })
    const part = { type: 'reasoning', text: 'hm', providerMetadata: { acme: { sig: 'b' } } }
    expect(partsOf(open)).toEqual([{ ...part, text: '', providerMetadata: { acme: { sig: 'a' } } }])
    expect(partsOf(open, close)).toEqual([part])
    expect(partsOf({ ...close, action: 'message.update', name: 'ai-output' })).toEqual([part])
  })

  it('can name another tool at its end, live and from history', () => {
    const call = { kind: 'tool-input', toolCallId: 't', toolName: 'a', dynamic: 'true' }
    const open = output('r', call, '', streamed)
    const codec = { toolName: 'b', dynamic: 'false', title: 'Bee' }
    const close = later(open, 'message.append', { data: '{}', transport: { status: 'complete' }, codec })
    const part = { type: 'tool-b', toolCallId: 't', title: 'Bee', state: 'input-available', input: {} }
    expect(partsOf(open, close)).toEqual([part])
    expect(partsOf({ ...close, action: 'message.update', name: 'ai-output' })).toEqual([part])
  })

  it('keeps the complete input of a call that was cancelled, as far as it arrived', () => {
    const open = output('r', { kind: 'tool-input', toolCallId: 't', toolName: 'a' }, '', streamed)
    const close = (data: string) => later(open, 'message.append', { data, transport: { status: 'cancelled' } })
    const part = { type: 'tool-a', toolCallId: 't', state: 'input-streaming' }
    expect(partsOf(open, close('{"a":1}'))).toEqual([{ ...part, input: { a: 1 } }])
    expect(partsOf(open, close('{"a":'))).toEqual([part])
  })
})

describe('a step-start part', () => {
  const text = (id: string) => output('r', { kind: 'text' }, 'Hi', { 'codec-message-id': id })
  const frame = (kind: string, id: string) => output('r', { kind }, '', { 'codec-message-id': id })
  const types = (...rows: ChannelMessage[]) =>
    shown(...rows).map(({ parts }) => parts.map(({ type }) => type).join(' '))

  it('is added to each message that has none', () => {
    expect(types(text('m'), text('m'), text('n'))).toEqual(['step-start text text', 'step-start text'])
    expect(types(frame('start-step', 'm'), text('n'), text('m'))).toEqual(['step-start text', 'step-start text'])
    expect(types(text('m'), frame('finish-step', 'm'), text('m'))).toEqual(['step-start text step-start text'])
    expect(types(text('m'), frame('finish-step', 'n'), text('m'))).toEqual(['step-start text text'])
  })
})
