import type { UIMessageChunk } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import type { Operation } from '../../src/core/codec'

it('text and reasoning that stream at the same time with one id are two streams', () => {
  const chunks: UIMessageChunk[] = [
    { type: 'reasoning-start', id: '0' },
    { type: 'reasoning-delta', id: '0', delta: 'Hm' },
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: 'Yes' },
    { type: 'reasoning-delta', id: '0', delta: '.' },
    { type: 'reasoning-end', id: '0' },
    { type: 'text-delta', id: '0', delta: '!' },
    { type: 'text-end', id: '0' },
  ]
  const { encode } = UIMessageCodec.encoder('m')
  const operations = chunks.flatMap((chunk) => encode(chunk))
  const textOf = (streamId: string): string =>
    operations.flatMap((each) => (each.op === 'append' && each.streamId === streamId ? each.data : [])).join('')
  const opened = operations.filter((each): each is Extract<Operation, { op: 'open' }> => each.op === 'open')
  expect(opened.map(({ streamId, codec }) => [codec.kind, textOf(streamId)])).toEqual([
    ['reasoning', 'Hm.'],
    ['text', 'Yes!'],
  ])
  expect(operations.filter(({ op }) => op === 'close')).toHaveLength(2)
})
