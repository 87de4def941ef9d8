import { createUIMessageCodec as createPeerCodec } from '@ably/ai-transport/vercel'
import type { InboundMessage } from 'ably'
import type { UIMessage } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import type { ChannelMessage } from '../../src/core/wire'
import { message } from '../core/wire'
import { hear, newTree } from '../support/transcripts'
import { MemoryChannel } from './channel'
import { replies } from './replies'

/** The messages that the peer's codec reads from a channel. */
function asThePeerReads(messages: readonly ChannelMessage[]): UIMessage[] {
  const codec = createPeerCodec()
  const decoder = codec.createDecoder()
  let projection = codec.init()
  for (const each of messages) {
    const { serial = '', extras } = each
    const { transport } = (extras as { ai: { transport: Record<string, string> } }).ai
    const meta = { serial, messageId: transport['codec-message-id']! }
    const { inputs, outputs } = decoder.decode(each as InboundMessage)
    for (const event of inputs) projection = codec.fold(projection, { direction: 'input', event }, meta)
    for (const event of outputs) projection = codec.fold(projection, { direction: 'output', event }, meta)
  }
  return JSON.parse(JSON.stringify(codec.getMessages(projection).map(({ message }) => message))) as UIMessage[]
}

/** Parts that the peer does not show in any message. */
const lost = new Set(
  'providerMetadata callProviderMetadata resultProviderMetadata toolMetadata descriptor requestReason isAutomatic signature'.split(
    ' ',
  ),
)

/** Parts that the peer loses or changes in single replies. */
const lostOf: Record<string, (message: UIMessage) => UIMessage> = {
  'an output after a request': (message) => changed(message, { approval: undefined }),
  'a call whose input was put right after it was streamed': (message) => changed(message, { input: { city: 'Rome' } }),
  'what tools say besides': (message) => changed(message, { providerExecuted: undefined }),
  metadata: (message) => ({ ...message, metadata: { done: true } }),
  'content of a kind of the provider': (message) => without(message, 'custom'),
  'a file that belongs to reasoning': (message) => without(message, 'reasoning-file'),
}

const without = (message: UIMessage, type: string): UIMessage => ({
  ...message,
  parts: message.parts.filter((part) => part.type !== type),
})

const changed = (message: UIMessage, call: object): UIMessage => ({
  ...message,
  parts: message.parts.map((part) => ('toolCallId' in part ? { ...part, ...call } : part) as typeof part),
})

it.each(Object.keys(replies))('the peer reads our replies, except for parts it never shows: %s', async (name) => {
  const channel = new MemoryChannel()
  await channel.reply(UIMessageCodec, replies[name]!)
  const tree = newTree()
  hear(tree, channel.live)
  const ours = JSON.stringify(tree.runs.get('r')!.message('m'), (key, value: unknown) => (lost.has(key) ? undefined : value)) // prettier-ignore
  const shown = JSON.parse(ours) as UIMessage
  expect(asThePeerReads(channel.live)).toEqual([lostOf[name]?.(shown) ?? shown])
})

it('the peer reads the prompts and answers that we write', () => {
  const prompt: UIMessage = {
    id: 'mine',
    role: 'user',
    metadata: { sentAt: 1 },
    parts: [
      { type: 'text', text: 'Look', providerMetadata: { acme: { value: 1 } } },
      { type: 'file', mediaType: 'image/png', filename: 'a.png', url: 'https://example.com/a.png' },
    ],
  }
  const channel = new MemoryChannel()
  channel.prompt(UIMessageCodec, prompt, 'p')
  expect(asThePeerReads(channel.live)).toEqual([
    {
      id: 'mine',
      role: 'user',
      parts: [
        { type: 'text', text: 'Look' },
        { type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png' },
      ],
    },
  ])
  const call = { type: 'tool-pay', toolCallId: 'c', state: 'input-available', input: { amount: 1 } } as const
  const seeds = [{ messageId: 'a', message: { id: 'reply', role: 'assistant' as const, parts: [call] } }]
  const answer = UIMessageCodec.seeded!(UIMessageCodec.createToolOutput({ toolCallId: 'c', output: 'paid' }), seeds)
  const [part] = UIMessageCodec.encode(answer).parts
  const row = message('ai-input', { role: 'assistant', 'codec-message-id': 'a' }, part!.codec, part!.data)
  expect(asThePeerReads([row])).toEqual([
    { id: 'reply', role: 'assistant', parts: [{ ...call, state: 'output-available', output: 'paid' }] },
  ])
})
