import type { UIMessageChunk } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { tooLarge } from '../../src/codec/ui-message/too-large'
import { hear, newTree } from '../support/transcripts'
import { MemoryChannel } from './channel'

const refused = (chunk: UIMessageChunk) => UIMessageCodec.encoder('m').refuse!(chunk, 70_000)
const replacing = (chunk: UIMessageChunk) => [tooLarge(chunk, 70_000) as UIMessageChunk]
const output = { type: 'tool-output-available', toolCallId: 'c', output: 'x' } as const

it('an output that is too large ends its call with an error that gives the reason', () => {
  expect(refused(output)).toMatchObject([
    { codec: { kind: 'tool-output-error' }, data: { errorText: expect.stringContaining('70000 bytes') as string } },
  ])
})

it('a preliminary output that is too large is left out, because the final one can be smaller', () => {
  expect(refused({ ...output, preliminary: true })).toEqual([])
})

it('an input that is too large says so, also once the call has its output', async () => {
  const channel = new MemoryChannel()
  const input = { type: 'tool-input-available', toolCallId: 'c', toolName: 'write', input: 'x' } as const
  await channel.reply(UIMessageCodec, [{ type: 'start' }, { type: 'start-step' }, ...replacing(input), output])
  const tree = newTree()
  hear(tree, channel.live)
  expect(tree.runs.get('r')!.message('m')!.parts.at(-1)).toMatchObject({
    state: 'output-available',
    input: { missing: 'too large to be sent: 70000 bytes' },
    output: 'x',
  })
})
