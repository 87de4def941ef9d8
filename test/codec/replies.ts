import type { UIMessageChunk } from 'ai'

export const text = (id: string, ...deltas: string[]): UIMessageChunk[] => [
  { type: 'text-start', id },
  ...deltas.map((delta): UIMessageChunk => ({ type: 'text-delta', id, delta })),
  { type: 'text-end', id },
]
export const framed = (...chunks: UIMessageChunk[]): UIMessageChunk[] => [
  { type: 'start', messageId: 'answer' },
  { type: 'start-step' },
  ...chunks,
  { type: 'finish-step' },
  { type: 'finish' },
]
const call = { toolCallId: 'c', toolName: 'weather' }
export const delta = (inputTextDelta: string): UIMessageChunk => ({ type: 'tool-input-delta', toolCallId: 'c', inputTextDelta }) // prettier-ignore
export const meta = (value: number) => ({ acme: { value } })
const available = { type: 'tool-input-available', ...call, input: { city: 'Rome' } } as const
const output = { type: 'tool-output-available', toolCallId: 'c', output: { sky: 'blue' } } as const

/** Replies with all kinds of parts. */
export const replies: Record<string, UIMessageChunk[]> = {
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
  'a request that says more': framed(available, {
    type: 'tool-approval-request',
    toolCallId: 'c',
    approvalId: 'a',
    approvalDescriptor: { cost: 1 },
    reason: 'it costs',
    isAutomatic: true,
    signature: 's',
  }),
  'an output after a request': framed(
    available,
    { type: 'tool-approval-request', toolCallId: 'c', approvalId: 'a', reason: 'it costs', isAutomatic: false },
    output,
  ),
  'a call whose input was put right after it was streamed': framed(
    { type: 'tool-input-start', ...call },
    delta('{"city": "Rome"}'),
    { ...available, input: { city: 'Rome', unit: 'C' } },
    output,
  ),
  'a call whose streamed input breaks off': framed({ type: 'tool-input-start', ...call }, delta('{"ci'), available),
  'a call without input': framed({ type: 'tool-input-start', ...call }, { ...available, input: undefined }),
  'a call whose input is null': framed({ type: 'tool-input-start', ...call }, delta('null'), { ...available, input: null }), // prettier-ignore
  'a streamed call that turns out wrong': framed(
    { type: 'tool-input-start', ...call, title: 'Weather' },
    delta('{"town":'),
    { type: 'tool-input-error', ...call, input: '{"town":', errorText: 'no city', providerMetadata: meta(1) },
    ...text('t', 'Sorry.'),
  ),
  'a call that is wrong': framed({ type: 'tool-input-error', ...call, input: 1, errorText: 'no', toolMetadata: { a: 1 } }), // prettier-ignore
  'a dynamic call that is wrong': framed({ type: 'tool-input-error', ...call, dynamic: true, input: 1, errorText: 'no' }), // prettier-ignore
  'what tools say besides': framed(
    { type: 'tool-input-start', ...call, providerMetadata: meta(1), title: 'Weather' },
    delta('{}'),
    { ...available, input: {}, providerMetadata: meta(2), toolMetadata: { server: 'x' } },
    { ...output, providerMetadata: meta(3), providerExecuted: true },
    { ...available, toolCallId: 'd', providerMetadata: meta(4) },
    { type: 'tool-output-error', toolCallId: 'd', errorText: 'no', providerMetadata: meta(5) },
  ),
  'what providers say about text': framed(
    { type: 'text-start', id: 't', providerMetadata: meta(1) },
    { type: 'text-delta', id: 't', delta: 'Hi' },
    { type: 'text-end', id: 't' },
    { type: 'reasoning-start', id: 'r', providerMetadata: meta(1) },
    { type: 'reasoning-delta', id: 'r', delta: 'hm' },
    { type: 'reasoning-delta', id: 'r', delta: '', providerMetadata: meta(2) },
    { type: 'reasoning-end', id: 'r' },
    { type: 'text-start', id: 'u' },
    { type: 'text-end', id: 'u', providerMetadata: meta(3) },
  ),
  'what providers say about attachments': framed(
    { type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png', providerMetadata: meta(1) },
    { type: 'source-url', sourceId: 's', url: 'https://example.com', providerMetadata: meta(2) },
    { type: 'source-document', sourceId: 'd', mediaType: 'text/plain', title: 'Doc', providerMetadata: meta(3) },
  ),
  'content of a kind of the provider': framed(
    { type: 'custom', kind: 'acme.thinking-mode' },
    { type: 'custom', kind: 'acme.compaction', providerMetadata: meta(1) },
    ...text('t', 'Hi'),
  ),
  'a file that belongs to reasoning': framed(
    { type: 'reasoning-file', mediaType: 'image/png', url: 'https://example.com/a.png', providerMetadata: meta(1) },
    ...text('t', 'Hi'),
  ),
  'metadata that is null': [
    { type: 'start', messageId: 'answer', messageMetadata: { model: 'a' } },
    { type: 'finish', messageMetadata: null },
  ],
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
