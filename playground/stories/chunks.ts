import type { FileUIPart, UIMessageChunk } from 'ai'
import { tokensOf } from '../shared/tokens'

const callId = 'call-1'
const input = { restaurant: 'Cervejaria do Cais', day: 'Friday', time: '20:30', people: 2 }

/** A picture of one pixel. */
const dot =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP4z8DwHwAFAAH/q842iQAAAABJRU5ErkJggg=='

/** Chunks of the AI SDK, for scenes. */
export const chunks = {
  callId,
  text: (text: string): UIMessageChunk[] => [
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: text },
    { type: 'text-end', id: 't' },
  ],
  thoughts: `They have a weekend, and Sintra is forty minutes away, so a day there costs half of what they have.

So it is worth it, but only early, and only with one palace. I should say which, and when to turn back.`,
  reasoning: (text: string, { isOpen = false } = {}): UIMessageChunk[] => [
    { type: 'reasoning-start', id: 'r' },
    ...tokensOf(text).map((delta) => ({ type: 'reasoning-delta' as const, id: 'r', delta })),
    ...(isOpen ? [] : [{ type: 'reasoning-end' as const, id: 'r' }]),
  ],
  sources: [
    { type: 'source-url', sourceId: '1', url: 'https://www.museudofado.pt/', title: 'Museu do Fado' },
    { type: 'source-url', sourceId: '2', url: 'https://www.visitlisboa.com/en/places' },
    {
      type: 'source-document',
      sourceId: '3',
      mediaType: 'application/pdf',
      title: 'Evenings in Alfama',
      filename: 'alfama.pdf',
    },
  ] satisfies UIMessageChunk[],
  hostileSources: [
    { type: 'source-url', sourceId: '1', url: 'javascript:alert(1)', title: 'Click me' },
    { type: 'source-url', sourceId: '2', url: 'data:text/html,<script>alert(1)</script>' },
    { type: 'source-url', sourceId: '3', url: 'file:///etc/passwd', title: '<img src=x onerror=alert(1)>' },
  ] satisfies UIMessageChunk[],
  files: [
    { type: 'file', mediaType: 'image/png', url: dot },
    { type: 'file', mediaType: 'application/pdf', url: 'https://example.com/tickets.pdf' },
    { type: 'file', mediaType: 'image/svg+xml', url: 'data:image/svg+xml;base64,PHN2Zy8+' },
  ] satisfies UIMessageChunk[],
  attached: [
    { type: 'file', mediaType: 'image/png', filename: 'river.png', url: dot },
    { type: 'file', mediaType: 'text/plain', filename: 'notes.txt', url: 'data:text/plain;base64,aGVsbG8=' },
  ] satisfies FileUIPart[],
  progress: (done: number): UIMessageChunk => ({
    type: 'data-progress',
    id: 'guides',
    data: { label: 'Reading about fado', done, of: 4 },
  }),
  call: (toolName = 'book_table'): UIMessageChunk[] => [
    { type: 'tool-input-start', toolCallId: callId, toolName },
    { type: 'tool-input-delta', toolCallId: callId, inputTextDelta: '{"restaurant":' },
    { type: 'tool-input-available', toolCallId: callId, toolName, input },
  ],
  approvalRequest: <UIMessageChunk>{ type: 'tool-approval-request', toolCallId: callId, approvalId: 'approval-1' },
  output: <UIMessageChunk>{
    type: 'tool-output-available',
    toolCallId: callId,
    output: { booking: 'CC-2041', when: 'Friday, 20:30' },
  },
  outputError: <UIMessageChunk>{
    type: 'tool-output-error',
    toolCallId: callId,
    errorText: 'The restaurant is not responding',
  },
}
