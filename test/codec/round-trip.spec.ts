import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { hear, newTree, readBack } from '../support/transcripts'
import { MemoryChannel } from './channel'

const text = (id: string, ...deltas: string[]): UIMessageChunk[] => [
  { type: 'text-start', id },
  ...deltas.map((delta): UIMessageChunk => ({ type: 'text-delta', id, delta })),
  { type: 'text-end', id },
]
const framed = (...chunks: UIMessageChunk[]): UIMessageChunk[] => [
  { type: 'start', messageId: 'answer' },
  { type: 'start-step' },
  ...chunks,
  { type: 'finish-step' },
  { type: 'finish' },
]
const call = { toolCallId: 'c', toolName: 'weather' }
const delta = (inputTextDelta: string): UIMessageChunk => ({ type: 'tool-input-delta', toolCallId: 'c', inputTextDelta }) // prettier-ignore
const available = { type: 'tool-input-available', ...call, input: { city: 'Rome' } } as const
const output = { type: 'tool-output-available', toolCallId: 'c', output: { sky: 'blue' } } as const

const replies: Record<string, UIMessageChunk[]> = {
  text: framed(...text('t', 'Hel', 'lo')),
  'texts that interleave': framed(
    { type: 'text-start', id: 'a' },
    { type: 'text-start', id: 'b' },
    { type: 'text-delta', id: 'a', delta: 'one' },
    { type: 'text-delta', id: 'b', delta: 'two' },
    { type: 'text-end', id: 'b' },
    { type: 'text-delta', id: 'a', delta: ' more' },
    { type: 'text-end', id: 'a' },
  ),
  reasoning: framed(
    { type: 'reasoning-start', id: 'r' },
    { type: 'reasoning-delta', id: 'r', delta: 'hm' },
    { type: 'reasoning-end', id: 'r' },
    ...text('t', 'So'),
  ),
  'a streamed call': framed(
    { type: 'tool-input-start', ...call },
    delta('{"city":'),
    delta('"Rome"}'),
    available,
    output,
    ...text('t', 'Blue.'),
  ),
  'an announced call': framed({ type: 'tool-input-start', ...call }, available, output),
  'a whole call': framed(available, output),
  'a dynamic call': framed({ ...available, dynamic: true }, { ...output, dynamic: true }),
  'a call of the provider': framed({ ...available, providerExecuted: true }, { ...output, providerExecuted: true }),
  'a preliminary output': framed(available, { ...output, output: 1, preliminary: true }, output),
  'a failed call': framed(available, { type: 'tool-output-error', toolCallId: 'c', errorText: 'no' }),
  'a request for approval': framed(available, { type: 'tool-approval-request', toolCallId: 'c', approvalId: 'a' }),
  attachments: framed(
    { type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png' },
    { type: 'source-url', sourceId: 's', url: 'https://example.com', title: 'Example' },
    { type: 'source-url', sourceId: 's2', url: 'https://example.org' },
    { type: 'source-document', sourceId: 'd', mediaType: 'text/plain', title: 'Doc', filename: 'doc.txt' },
  ),
  data: framed(
    { type: 'data-place', id: '1', data: 'Rome' },
    { type: 'data-place', data: ['plain'] },
    { type: 'data-place', id: '1', data: { city: 'Oslo' } },
    { type: 'data-note', data: 'gone', transient: true },
  ),
  metadata: [
    { type: 'start', messageId: 'answer', messageMetadata: { model: 'a', usage: { input: 1 } } },
    ...text('t', 'Hi'),
    { type: 'message-metadata', messageMetadata: { usage: { output: 2 } } },
    { type: 'finish', messageMetadata: { done: true } },
  ],
  'two steps': framed(available, output, { type: 'finish-step' }, { type: 'start-step' }, ...text('t', 'Blue.')),
}

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

function carried(part: UIMessage['parts'][number]): UIMessage['parts'][number] {
  if (part.type !== 'text' && part.type !== 'reasoning') return part
  return { type: part.type, text: part.text }
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

it('a prompt comes out as it was, but for parts that do not travel', () => {
  const prompt: UIMessage = {
    id: 'mine',
    role: 'user',
    parts: [
      { type: 'text', text: 'Look' },
      { type: 'reasoning', text: 'not carried' },
      { type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png' },
      { type: 'data-place', id: '1', data: { city: 'Rome' } },
    ],
  }
  const channel = new MemoryChannel()
  channel.prompt(UIMessageCodec, prompt, 'p')
  channel.prompt(UIMessageCodec, { ...prompt, parts: [] }, 'q')
  const tree = newTree()
  hear(tree, channel.live)
  expect(tree.inputs.get('p')!.message('p')).toEqual({ ...prompt, parts: prompt.parts.toSpliced(1, 1) })
  expect(tree.inputs.get('q')!.message('q')).toEqual({ ...prompt, parts: [{ type: 'text', text: '' }] })
})
