import type { UIMessageChunk } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'

const refused = (chunk: UIMessageChunk) => UIMessageCodec.encoder('m').refuse!(chunk, 70_000)
const output = { type: 'tool-output-available', toolCallId: 'c', output: 'x' } as const

it('an output that is too large ends its call with an error that gives the reason', () => {
  expect(refused(output)).toMatchObject([
    { codec: { kind: 'tool-output-error' }, data: { errorText: expect.stringContaining('70000 bytes') as string } },
  ])
})

it('a preliminary output that is too large is left out, because the final one can be smaller', () => {
  expect(refused({ ...output, preliminary: true })).toEqual([])
})
