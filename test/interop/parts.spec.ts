import type { UIMessage, UIMessageChunk } from 'ai'
import { describe, expect, it } from 'vitest'
import { streamOf } from '../support/agent'
import { agree, newcomersAgree } from './agree'
import { pairings, startRoom } from './room'

const providerMetadata = { some: { signature: 's' } }

const everything: UIMessageChunk[] = [
  { type: 'start', messageId: 'reply' },
  { type: 'start-step' },
  { type: 'reasoning-start', id: 'r' },
  { type: 'reasoning-delta', id: 'r', delta: 'Hm' },
  { type: 'reasoning-end', id: 'r' },
  { type: 'tool-input-start', toolCallId: 'c1', toolName: 'weather', dynamic: true, title: 'Weather' },
  { type: 'tool-input-delta', toolCallId: 'c1', inputTextDelta: '{"city":' },
  { type: 'tool-input-delta', toolCallId: 'c1', inputTextDelta: '"Rome"}' },
  { type: 'tool-input-available', toolCallId: 'c1', toolName: 'weather', dynamic: true, input: { city: 'Rome' } },
  { type: 'tool-output-available', toolCallId: 'c1', output: 'guessing', preliminary: true },
  { type: 'tool-output-available', toolCallId: 'c1', output: { sun: true } },
  { type: 'tool-input-available', toolCallId: 'c2', toolName: 'map', input: { near: 'Rome' } },
  { type: 'tool-output-error', toolCallId: 'c2', errorText: 'no map' },
  { type: 'tool-input-error', toolCallId: 'c3', toolName: 'map', input: { far: 1 }, errorText: 'no such input' },
  { type: 'finish-step' },
  { type: 'start-step' },
  { type: 'file', mediaType: 'image/png', url: 'https://example.com/rome.png' },
  { type: 'source-url', sourceId: 's1', url: 'https://example.com', title: 'Rome' },
  { type: 'source-document', sourceId: 's2', mediaType: 'application/pdf', title: 'Guide', filename: 'guide.pdf' },
  { type: 'data-progress', id: 'd', data: { done: 1 } },
  { type: 'data-progress', id: 'd', data: { done: 2 } },
  { type: 'data-notice', data: 'gone', transient: true },
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta: 'Sunny.' },
  { type: 'text-end', id: 't' },
  { type: 'message-metadata', messageMetadata: { model: 'm' } },
  { type: 'finish-step' },
  { type: 'finish', finishReason: 'stop' },
]

const told = [
  '[reasoning] [dynamic-tool output-available] [tool-map output-error] [tool-map output-error]',
  '[file] [source-url] [source-document] [data-progress] Sunny.',
].join(' ')

describe.each(pairings)('$title', (pairing) => {
  const answered = async (prompt: string | UIMessage, chunks: UIMessageChunk[]) => {
    const room = await startRoom(pairing)
    const sent = await room.user.send(prompt)
    const run = await room.agent.answer(sent.call)
    expect(await run.pipe(streamOf(chunks))).toEqual({ reason: 'complete' })
    await run.end('complete')
    return { room, run }
  }

  it('agree on every kind of part in a reply', async () => {
    const { room } = await answered('Rome?', everything)
    const lines = ['user: Rome?', `assistant: ${told}`, 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on the parts of a prompt, and give them to the model', async () => {
    const prompt: UIMessage = {
      id: 'prompt',
      role: 'user',
      parts: [
        { type: 'text', text: 'Where is this?' },
        { type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png' },
        { type: 'data-place', id: 'p', data: { lat: 41.9 } },
      ],
    }
    const { room, run } = await answered(prompt, [])
    expect(run.prompt()).toEqual([prompt])
    const lines = ['user: Where is this? [file] [data-place]', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    expect(room.ours.shown().messages[0]!.message).toEqual(prompt)
  })

  it('differ in provider metadata: ours shows the metadata of the channel (fault 11)', async () => {
    const { room } = await answered('Rome?', [
      { type: 'start-step' },
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-end', id: 'r', providerMetadata },
      { type: 'file', mediaType: 'image/png', url: 'https://example.com/rome.png', providerMetadata },
      { type: 'source-url', sourceId: 's1', url: 'https://example.com', providerMetadata },
    ])
    const lines = ['user: Rome?', 'assistant: [reasoning] [file] [source-url]', 'runs: complete']
    await agree(room, lines, 'fault 11: provider metadata is lost')
    await newcomersAgree(room, lines, 'fault 11: provider metadata is lost')
  })

  it('differ in metadata that arrives in pieces: ours merges it, as the AI SDK does (fault 12)', async () => {
    const { room } = await answered('Rome?', [
      { type: 'start', messageMetadata: { model: 'm' } },
      { type: 'start-step' },
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'Sunny.' },
      { type: 'text-end', id: 't' },
      { type: 'finish', messageMetadata: { tokens: 3 } },
    ])
    const lines = ['user: Rome?', 'assistant: Sunny.', 'runs: complete']
    await agree(room, lines, 'fault 12: metadata replaces what was known')
    await newcomersAgree(room, lines, 'fault 12: metadata replaces what was known')
    expect(room.ours.shown().messages[1]!.message.metadata).toEqual({ model: 'm', tokens: 3 })
  })
})

describe('our client, with prompts of its own', () => {
  it('shows metadata and file names of a prompt, which the peer leaves out (fault 11)', async () => {
    const room = await startRoom(pairings[0]!)
    const prompt: UIMessage = {
      id: 'prompt',
      role: 'user',
      metadata: { device: 'phone' },
      parts: [{ type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png', filename: 'a.png' }],
    }
    await room.user.send(prompt)
    await agree(room, ['user: [file]', 'runs: '], 'fault 11: metadata and file names of a prompt are lost')
    expect(room.ours.shown().messages[0]!.message).toEqual(prompt)
  })
})
