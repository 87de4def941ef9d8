import type { UIMessageChunk } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'

const refused = (chunk: UIMessageChunk) => UIMessageCodec.encoder('m').refuse!(chunk, 70_000)
const output = { type: 'tool-output-available', toolCallId: 'c', output: 'x' } as const

it('an output that is too large fails its call and says why', () => {
  expect(refused(output)).toMatchObject([
    { codec: { kind: 'tool-output-error' }, data: { errorText: expect.stringContaining('70000 bytes') as string } },
  ])
})

it('a preliminary output that is too large is left out: the final one may be smaller', () => {
  expect(refused({ ...output, preliminary: true })).toEqual([])
})
