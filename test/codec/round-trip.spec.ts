import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { hear, newTree, readBack } from '../support/transcripts'
import { MemoryChannel } from './channel'
import { delta, framed, meta, replies, text } from './replies'

// NOTE: it would report its own `rawInput`, which it still writes
globalThis.AI_SDK_LOG_WARNINGS = false

/** What the AI SDK makes of the same chunks, but for what does not travel. */
async function asTheSdkReads(chunks: readonly UIMessageChunk[]): Promise<UIMessage> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  let last: UIMessage | undefined
  for await (const message of readUIMessageStream({ stream })) last = message
  const { parts, ...message } = JSON.parse(JSON.stringify(last)) as UIMessage
  return { ...message, parts: parts.map(carried) }
}

/** How far a stream has come is told by the message, and `rawInput` is deprecated. */
function carried(part: UIMessage['parts'][number]): UIMessage['parts'][number] {
  const { state, id, ...fields } = part as { type: string; state?: string; id?: string }
  if (part.type === 'text' || part.type === 'reasoning') return fields as typeof part
  const { rawInput, ...rest } = part as { rawInput?: unknown }
  return rawInput === undefined ? part : ({ ...rest, input: rawInput } as typeof part)
}

/** A text that no step-start leads in is given one, as every reader of the channel does. */
const ledIn = ({ parts, ...message }: UIMessage): UIMessage =>
  parts[0]?.type === 'text' ? { ...message, parts: [{ type: 'step-start' }, ...parts] } : { ...message, parts }

it.each(Object.keys(replies))('%s comes out as the AI SDK itself reads it, live and paged', async (name) => {
  const chunks = replies[name]!
  const channel = new MemoryChannel()
  await channel.reply(UIMessageCodec, chunks)
  const expected = ledIn(await asTheSdkReads(chunks))
  const live = newTree()
  hear(live, channel.live)
  expect(JSON.parse(JSON.stringify(live.runs.get('r')!.message('m')))).toEqual(expected)
  for (const pageSize of [1, 2, 100]) {
    const paged = newTree()
    readBack(paged, channel.history, pageSize)
    expect(JSON.parse(JSON.stringify(paged.runs.get('r')!.message('m')))).toEqual(expected)
  }
})

it.each(Object.keys(replies))('%s comes out the same when different messages overtake each other', async (name) => {
  const channel = new MemoryChannel()
  await channel.reply(UIMessageCodec, replies[name]!)
  const inOrder = newTree()
  hear(inOrder, channel.live)
  const order = fc.array(fc.double({ noNaN: true }), { minLength: channel.live.length, maxLength: channel.live.length })
  const overtaking = fc.property(order, (ranks) => {
    const tree = newTree()
    hear(tree, overtaken(channel.live, ranks))
    expect(tree.runs.get('r')!.message('m')).toEqual(inOrder.runs.get('r')!.message('m'))
  })
  fc.assert(overtaking, { numRuns: 30 })
})

/** Deliveries in the order of their ranks, but those of one message in their own order. */
function overtaken<T extends { serial?: string }>(messages: readonly T[], ranks: readonly number[]): T[] {
  const queues = Map.groupBy(messages, ({ serial }) => serial)
  const order = messages.map(({ serial }, index) => ({ serial, rank: ranks[index]! }))
  return order.toSorted((a, b) => a.rank - b.rank).map(({ serial }) => queues.get(serial)!.shift()!)
}

const skipped: [string, UIMessageChunk | { type: string }][] = [
  ['tool-approval-response', { type: 'tool-approval-response', approvalId: 'a', approved: true }],
  ['reset-step', { type: 'reset-step' }],
  ['steering-message', { type: 'steering-message' }],
  ['one from the future', { type: 'hologram' }],
  ['one called constructor', { type: 'constructor' }],
  ['a stray text-delta', { type: 'text-delta', id: 'none', delta: 'lost' }],
  ['a stray reasoning-end', { type: 'reasoning-end', id: 'none' }],
  ['a stray tool-input-delta', delta('{}')],
]

it.each(skipped)('a reply goes on without a chunk that the channel cannot carry: %s', async (_, chunk) => {
  const channel = new MemoryChannel()
  await channel.reply(UIMessageCodec, [...framed(), chunk as UIMessageChunk, ...text('t', 'Hi')])
  const tree = newTree()
  hear(tree, channel.live)
  expect(tree.runs.get('r')!.message('m')!.parts).toEqual([
    { type: 'step-start' },
    { type: 'step-start' },
    { type: 'text', text: 'Hi' },
  ])
})

it('a reply stays readable when what is said about it is too long for a header', async () => {
  const channel = new MemoryChannel()
  const long = { acme: { value: 'x'.repeat(20_000) } }
  await channel.reply(UIMessageCodec, [
    { type: 'text-start', id: 't', providerMetadata: long },
    ...text('t', 'Hi').slice(1),
  ])
  const tree = newTree()
  hear(tree, channel.live)
  expect(tree.runs.get('r')!.message('m')!.parts).toEqual([{ type: 'step-start' }, { type: 'text', text: 'Hi' }])
})

it('a prompt comes out as it was, but for parts that do not travel', () => {
  const prompt: UIMessage = {
    id: 'mine',
    role: 'user',
    metadata: { sentAt: 1 },
    parts: [
      { type: 'text', text: 'Look', providerMetadata: meta(1) },
      { type: 'reasoning', text: 'not carried' },
      {
        type: 'file',
        mediaType: 'image/png',
        filename: 'a.png',
        url: 'https://example.com/a.png',
        providerMetadata: meta(2),
      },
      { type: 'data-place', id: '1', data: { city: 'Rome' } },
    ],
  }
  const channel = new MemoryChannel()
  channel.prompt(UIMessageCodec, prompt, 'p')
  const tree = newTree()
  hear(tree, channel.live)
  expect(tree.inputs.get('p')!.message('p')).toEqual({ ...prompt, parts: prompt.parts.toSpliced(1, 1) })
})

it.each<[string, string | UIMessage]>([
  ['no text', ''],
  ['blank text', ' \n\t'],
  ['no parts', { id: 'm', role: 'user', parts: [] }],
  ['blank parts', { id: 'm', role: 'user', parts: [{ type: 'text', text: ' ' }] }],
  ['parts that do not travel', { id: 'm', role: 'user', parts: [{ type: 'reasoning', text: 'not carried' }] }],
])('a prompt with %s is refused before it is published', (_, prompt) => {
  expect(() => UIMessageCodec.inputs(prompt)).toThrow('unable to send the message; it is empty')
})
