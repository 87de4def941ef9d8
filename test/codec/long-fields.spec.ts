import type { UIMessage, UIMessageChunk } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { hear, newTree, readBack } from '../support/transcripts'
import { MemoryChannel } from './channel'
import { text } from './replies'

const long = (value: string) => ({ acme: { value: value.repeat(16_000) } })
const call = { toolCallId: 'c', toolName: 'weather' }

async function channelOf(...chunks: UIMessageChunk[]) {
  const channel = new MemoryChannel()
  await channel.reply(UIMessageCodec, [{ type: 'start' }, { type: 'start-step' }, ...chunks])
  return channel
}

/** The message as it arrives live, and from history in pages of one and of all rows: they are equal. */
function readAll(channel: MemoryChannel): UIMessage {
  const live = newTree()
  hear(live, channel.live)
  const read = live.runs.get('r')!.message('m')!
  for (const pageSize of [1, 100]) {
    const tree = newTree()
    readBack(tree, channel.history, pageSize)
    expect(tree.runs.get('r')!.message('m')).toEqual(read)
  }
  return read
}

const partsOf = async (...chunks: UIMessageChunk[]) => readAll(await channelOf(...chunks)).parts.slice(1)

it('metadata of a tool, of its call and of its outcome arrives, however long', async () => {
  const input = {
    type: 'tool-input-available',
    ...call,
    input: {},
    toolMetadata: long('t'),
    providerMetadata: long('i'),
  } as const
  const output = { type: 'tool-output-available', toolCallId: 'c', output: 1, providerMetadata: long('o') } as const
  const part = {
    type: 'tool-weather',
    toolCallId: 'c',
    state: 'output-available',
    input: {},
    output: 1,
    toolMetadata: long('t'),
    callProviderMetadata: long('i'),
    resultProviderMetadata: long('o'),
  }
  expect(await partsOf(input, output)).toEqual([part])
  const start = {
    type: 'tool-input-start',
    ...call,
    toolMetadata: { old: true },
    providerMetadata: { acme: { old: 1 } },
  } as const
  expect(await partsOf(start, input, output)).toEqual([part])
})

it('the description of an approval arrives, however long', async () => {
  const [part] = await partsOf(
    { type: 'tool-input-available', ...call, input: {} },
    { type: 'tool-approval-request', toolCallId: 'c', approvalId: 'a', approvalDescriptor: long('d') },
  )
  expect(part).toMatchObject({ state: 'approval-requested', approval: { id: 'a', descriptor: long('d') } })
})

it('the input of a call that differs from the streamed one arrives, however long', async () => {
  const input = long('n')
  const chunks: UIMessageChunk[] = [
    { type: 'tool-input-start', ...call },
    { type: 'tool-input-delta', toolCallId: 'c', inputTextDelta: '{"old":true}' },
    { type: 'tool-input-available', ...call, input },
  ]
  expect(await partsOf(...chunks)).toMatchObject([{ state: 'input-available', input }])
  // The correction overtakes the end of the stream
  const { live } = await channelOf(...chunks)
  const late = live.findIndex(
    ({ action, extras }) => action !== 'message.create' && JSON.stringify(extras).includes('complete'),
  )
  const tree = newTree()
  hear(tree, [...live.toSpliced(late, 1), live[late]!])
  expect(tree.runs.get('r')!.message('m')!.parts.at(-1)).toMatchObject({ state: 'input-available', input })
})

it('metadata of files, sources and parts of a provider arrives, however long', async () => {
  const providerMetadata = long('p')
  const parts = await partsOf(
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'Hi' },
    { type: 'file', mediaType: 'image/png', url: 'https://a.example/', providerMetadata },
    { type: 'source-url', sourceId: 's', url: 'https://a.example/', providerMetadata },
    { type: 'text-end', id: 't' },
    { type: 'custom', kind: 'acme.x', providerMetadata },
  )
  expect(parts.map((part) => 'providerMetadata' in part && part.providerMetadata)).toEqual([
    false,
    providerMetadata,
    providerMetadata,
    providerMetadata,
  ])
})

it('metadata of a message arrives, however long, and is merged', async () => {
  const { metadata } = readAll(
    await channelOf({ type: 'message-metadata', messageMetadata: { short: 1 } }, ...text('t', 'Hi'), {
      type: 'finish',
      messageMetadata: long('m'),
    }),
  )
  expect(metadata).toEqual({ short: 1, ...long('m') })
})
