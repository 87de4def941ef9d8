import type { UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import type { Answer } from '../../src/core/codec'
import type { Tree } from '../../src/core/tree'
import type { ChannelMessage } from '../../src/core/wire'
import {
  encodeInput,
  placeAnswers,
  placeForkedAnswers,
  newMessage,
  placeOfEdit,
  placeOfRegeneration,
  type PlacedInput,
} from '../../src/session/placed-input'
import { hear, newTree, readTranscript } from '../support/transcripts'

type Verb = (tree: Tree<UIMessage>) => PlacedInput<UIMessage>

const id = (end: string): string => `00000000-0000-4000-8000-0000000000${end}`

const prompt = (messageId: string, text: string) =>
  newMessage(
    UIMessageCodec,
    UIMessageCodec.createUserMessage({ id: messageId, role: 'user', parts: [{ type: 'text', text }] }),
  )

const edit =
  (target: string, messageId: string, text: string): Verb =>
  (tree) => ({ inputs: prompt(messageId, text), place: placeOfEdit(tree, id(target)) })

const regenerate =
  (target: string): Verb =>
  (tree) => ({ inputs: [{ type: 'regenerate' }], place: placeOfRegeneration(tree, id(target)) })

const answer =
  (answer: Answer): Verb =>
  (tree) =>
    placeAnswers(tree, id('03'), [answer], [], id('03'))

const result = (output: unknown): Answer => UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output })

/** The calls that produced the inputs of each recording, in order. */
const recordings: Record<string, Verb[]> = {
  edit: [edit('02', 'u3', 'Capital of Sweden?')],
  'edit-of-edit': [edit('02', 'u2', 'v2'), edit('05', 'u3', 'v3'), edit('02', 'u4', 'v4')],
  regenerate: [regenerate('03')],
  'regenerate-of-regenerate': [regenerate('03'), regenerate('06')],
  'steer-then-regenerate-tail': [
    () => ({ inputs: prompt('s1', 'Make it cheap'), place: { runId: 'run-1' } }),
    regenerate('06'),
    regenerate('09'),
  ],
  'client-tool-result-resume': [answer(result({ lat: 59.9, lng: 10.7 }))],
  'client-tool-result-fork': [(tree) => placeForkedAnswers(tree, id('03'), [result({ lat: 1, lng: 2 })])],
  'tool-approval-approve': [answer(UIMessageCodec.createToolApproval({ toolCallId: 'call-1', approved: true }))],
  'tool-approval-deny': [
    answer(UIMessageCodec.createToolApproval({ toolCallId: 'call-1', approved: false, reason: 'too risky' })),
  ],
}

const transportOf = (extras: unknown) => (extras as { ai: { transport: Record<string, string> } }).ai.transport

/** The messages without ids that are new in every run, in headers and in data. */
function comparable({ data, extras }: Pick<ChannelMessage, 'data' | 'extras'>): unknown {
  const { 'codec-message-id': messageId = '', 'event-id': _, ...transport } = transportOf(extras)
  const { codec } = (extras as { ai: { codec: unknown } }).ai
  // An answer to a call adds no message
  const isNew = transport['run-id'] === undefined || transport.discrete === 'true'
  const said = JSON.stringify({ messageId, transport, codec, data })
  return JSON.parse(isNew ? said.replaceAll(messageId, 'the message id') : said) as unknown
}

describe('a client publishes the same inputs as the recorded client', () => {
  it.each(Object.keys(recordings))('%s', (name) => {
    const { wire } = readTranscript(name)
    const verbs = recordings[name]!
    const inputs = [...wire.entries()].filter(([, message]) => message.name === 'ai-input').slice(-verbs.length)
    expect(inputs).toHaveLength(verbs.length)
    for (const [index, [position, recorded]] of inputs.entries()) {
      const tree = newTree()
      hear(tree, wire.slice(0, position))
      const { inputs, place } = verbs[index]!(tree)
      const { messages } = encodeInput(UIMessageCodec, inputs[0]!, place, 'alice')
      expect(messages.map(comparable)).toEqual([comparable(recorded)])
    }
  })
})
