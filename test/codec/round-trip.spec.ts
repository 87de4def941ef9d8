import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { hear, newTree, readBack } from '../support/transcripts'
import { MemoryChannel } from './channel'
import { delta, framed, meta, replies, text } from './replies'

// NOTE: the AI SDK reports its own `rawInput`, which it still writes
globalThis.AI_SDK_LOG_WARNINGS = false

/** The message that the AI SDK reads from the same chunks, without fields that are not sent. */
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

/** Stream states are fields of the view message here, and `rawInput` is deprecated. */
function carried(part: UIMessage['parts'][number]): UIMessage['parts'][number] {
  const { state, id, ...fields } = part as { type: string; state?: string; id?: string }
  if (part.type === 'text' || part.type === 'reasoning') return fields as typeof part
  const { rawInput, ...rest } = part as { rawInput?: unknown }
  return rawInput === undefined ? part : ({ ...rest, input: rawInput } as typeof part)
}

/** A text without a step-start gets one, as for every reader of the channel. */
const ledIn = ({ parts, ...message }: UIMessage): UIMessage =>
  parts[0]?.type === 'text' ? { ...message, parts: [{ type: 'step-start' }, ...parts] } : { ...message, parts }

it.each(Object.keys(replies))('%s reads as in the AI SDK, live and from history', async (name) => {
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

it.each(Object.keys(replies))('%s reads the same if different messages overtake each other', async (name) => {
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

/** The deliveries in the order of their ranks, with those of one message in their own order. */
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

it.each(skipped)('a reply continues without a chunk that the channel cannot carry: %s', async (_, chunk) => {
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

it('a signature that is too long for a header arrives', async () => {
  const channel = new MemoryChannel()
  const long = { acme: { signature: 'x'.repeat(20_000) } }
  const call = { toolCallId: 'c', toolName: 'weather' }
  await channel.reply(UIMessageCodec, [
    { type: 'reasoning-start', id: 't', providerMetadata: meta(1) },
    { type: 'reasoning-delta', id: 't', delta: 'Hm' },
    { type: 'reasoning-end', id: 't', providerMetadata: long },
    { type: 'text-start', id: 't', providerMetadata: long },
    ...text('t', 'Hi').slice(1),
    { type: 'tool-input-available', ...call, input: {}, providerMetadata: long },
  ])
  const parts = [
    { type: 'step-start' },
    { type: 'reasoning', text: 'Hm', providerMetadata: long },
    { type: 'text', text: 'Hi', providerMetadata: long },
    { type: 'tool-weather', toolCallId: 'c', state: 'input-available', input: {}, callProviderMetadata: long },
  ]
  expect(live(channel)).toEqual(parts)
  for (const pageSize of [1, 2, 100]) expect(paged(channel, pageSize)).toEqual(parts)
})

const partsIn = (tree: ReturnType<typeof newTree>) => tree.runs.get('r')!.message('m')!.parts

function live(channel: MemoryChannel): UIMessage['parts'] {
  const tree = newTree()
  hear(tree, channel.live)
  return partsIn(tree)
}

function paged(channel: MemoryChannel, pageSize: number): UIMessage['parts'] {
  const tree = newTree()
  readBack(tree, channel.history, pageSize)
  return partsIn(tree)
}

it('titles, reasons and ids that are far too long are cut, and their parts arrive', async () => {
  const long = 'y'.repeat(20_000)
  const channel = new MemoryChannel()
  await channel.reply(UIMessageCodec, [
    { type: 'source-url', sourceId: long, url: 'https://example.com', title: long },
    { type: 'tool-input-start', toolCallId: long, toolName: 'weather', title: long },
    { type: 'tool-input-delta', toolCallId: long, inputTextDelta: '{}' },
    { type: 'tool-input-available', toolCallId: long, toolName: 'weather', input: {} },
    { type: 'tool-approval-request', toolCallId: long, approvalId: 'a', reason: long },
    { type: 'tool-output-available', toolCallId: long, output: 1 },
    ...text(long, 'Hi'),
  ])
  const parts = live(channel)
  expect(parts.map(({ type }) => type)).toEqual(['source-url', 'step-start', 'tool-weather', 'text'])
  expect(parts[2]).toMatchObject({ state: 'output-available', input: {}, output: 1 })
  expect(paged(channel, 1)).toEqual(parts)
})

describe('a text', () => {
  const emoji = '😀'
  const halves = [emoji.slice(0, 1), emoji.slice(1)]

  it('keeps a character whose halves come in two chunks', async () => {
    const channel = new MemoryChannel()
    await channel.reply(UIMessageCodec, [...text('t', 'a', halves[0]!, `${halves[1]}b${halves[0]}`, halves[1]!)])
    expect(channel.live.map(({ data }) => data)).not.toContain(halves[0])
    expect(live(channel).at(-1)).toEqual({ type: 'text', text: `a${emoji}b${emoji}` })
  })

  it('keeps such a character in the input of a call, too', async () => {
    const call = { toolCallId: 'c', toolName: 'weather' }
    const channel = new MemoryChannel()
    const input = { city: emoji }
    const [before, after] = JSON.stringify(input).split(emoji)
    await channel.reply(UIMessageCodec, [
      { type: 'tool-input-start', ...call },
      delta(`${before}${halves[0]}`),
      delta(`${halves[1]}${after}`),
      { type: 'tool-input-available', ...call, input },
    ])
    expect(live(channel).at(-1)).toMatchObject({ input })
  })

  it('ends before a character that a cancel has cut in two', async () => {
    const channel = new MemoryChannel()
    await channel.reply(UIMessageCodec, text('t', 'a', halves[0]!).slice(0, -1))
    expect(live(channel).at(-1)).toEqual({ type: 'text', text: 'a' })
  })

  it('is one part if it takes several messages, in any order of arrival', async () => {
    const channel = new MemoryChannel()
    const whole = `${'word '.repeat(13_000)}${emoji.repeat(20_000)}`
    const pieces = whole.match(/[\s\S]{1,999}/g)!
    await channel.reply(UIMessageCodec, framed(...text('t', ...pieces), ...text('u', 'End')))
    expect(channel.history.filter(({ extras }) => JSON.stringify(extras).includes('continues')).length).toBeGreaterThan(
      1,
    )
    const parts = [{ type: 'step-start' }, { type: 'text', text: whole }, { type: 'text', text: 'End' }]
    expect(live(channel)).toEqual(parts)
    for (const pageSize of [1, 100]) expect(paged(channel, pageSize)).toEqual(parts)
    const ranks = channel.live.map((_, index) => (index * 7919) % 997)
    const tree = newTree()
    hear(tree, overtaken(channel.live, ranks))
    expect(partsIn(tree)).toEqual(parts)
  })
})

it('a prompt reads as it was sent, except for parts that are not sent', () => {
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
  ['parts that are not sent', { id: 'm', role: 'user', parts: [{ type: 'reasoning', text: 'not carried' }] }],
])('a prompt with %s is refused before it is published', (_, prompt) => {
  expect(() => UIMessageCodec.inputs(prompt)).toThrow('unable to send the message; it is empty')
})
