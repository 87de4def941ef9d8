import type { UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { MemoryChannel } from '../codec/channel'
import { hear, newTree, readBack, readTranscript, stateOf, type RecordedState } from '../support/transcripts'
import { message, output, prompt, runMessage } from './wire'
import { acceptedRun } from '../../src/session/submission'

const fromHistory = (history: Parameters<typeof readBack>[1], pageSize: number): RecordedState => {
  const tree = newTree()
  readBack(tree, history, pageSize)
  return stateOf(tree)
}

const partsOf = ({ messages }: RecordedState, index = -1) => messages.at(index)!.message.parts

describe('fault 1: history is read in more than one page', () => {
  const cases = [
    ['ended runs stay active', 'text-simple'],
    ['steps stay open and runs have no owner', 'step-retry'],
    ['interleaved runs are swapped', 'concurrent-two-interleaved'],
    ['a prompt has its parts twice', 'user-multipart'],
    ['a resumed run is missing', 'suspend-resume'],
  ] as const

  it.each(cases)('this library avoids the fault "%s", wherever the pages of %s begin', (_, name) => {
    const { history, expected } = readTranscript(name)
    const { messages, runs } = expected.history
    for (let pageSize = 1; pageSize <= history.length; pageSize++) {
      expect(fromHistory(history, pageSize), `in pages of ${pageSize}`).toEqual({ messages, runs })
    }
  })
})

it('fault 2: a reply whose prompt is unknown is invisible; here it shows first, and moves when the prompt arrives', () => {
  const unseen = prompt('q')
  const tree = newTree()
  hear(tree, [
    runMessage('ai-run-start', 'r', { parent: 'q', 'input-codec-message-id': 'q' }),
    output('r', { kind: 'text' }, 'Hi', { parent: 'q', 'input-codec-message-id': 'q' }),
  ])
  const ids = () => stateOf(tree).messages.map(({ codecMessageId }) => codecMessageId)
  expect(ids()).toEqual(['m'])
  expect(stateOf(tree).runs).toMatchObject([{ runId: 'r', status: 'active' }])
  hear(tree, [unseen])
  expect(ids()).toEqual(['q', 'm'])
})

it('fault 3: a late joiner gets step-start twice if live messages arrive before history; here it gets one', () => {
  const { wire, joinHistory = [] } = readTranscript('mid-stream-joiner')
  const tree = newTree()
  hear(tree, wire)
  readBack(tree, joinHistory, 100)
  expect(partsOf(stateOf(tree)).map(({ type }) => type)).toEqual(['step-start', 'text'])
})

describe('fault 8: a denial loses the id and reason of the approval, an output loses the approval', () => {
  const call = { toolCallId: 'c', toolName: 'pay' }
  const asked = () => [
    output('r', { kind: 'tool-input', ...call }, { amount: 1 }),
    output('r', { kind: 'tool-approval-request', toolCallId: 'c', approvalId: 'a' }),
  ]
  const answer = (approved: string) =>
    message(
      'ai-input',
      { 'run-id': 'r', 'codec-message-id': 'm' },
      { kind: 'tool-approval-response', toolCallId: 'c', approved, reason: 'because' },
    )
  const toolOf = (...rows: Parameters<typeof hear>[1]) => {
    const tree = newTree()
    hear(tree, rows)
    return partsOf(stateOf(tree)).at(-1)
  }

  it('a denial keeps the id and the reason of the approval in this library', () => {
    const approval = { id: 'a', approved: false, reason: 'because' }
    expect(toolOf(...asked(), answer('false'))).toMatchObject({ state: 'output-denied', approval })
    const denied = () => output('r', { kind: 'tool-output-denied', toolCallId: 'c' })
    expect(toolOf(...asked(), answer('false'), denied())).toMatchObject({ state: 'output-denied', approval })
  })

  it('an output keeps the approval in this library', () => {
    const result = () => output('r', { kind: 'tool-output-available', toolCallId: 'c' }, { output: 'paid' })
    const approval = { id: 'a', approved: true, reason: 'because' }
    expect(toolOf(...asked(), answer('true'), result())).toMatchObject({ state: 'output-available', approval })
  })
})

describe('fault 11: metadata of messages is lost', () => {
  it('the metadata, file names and provider metadata of a prompt arrive in this library', () => {
    const given: UIMessage = {
      id: 'mine',
      role: 'user',
      metadata: { device: { name: 'phone' } },
      parts: [
        { type: 'text', text: 'Look', providerMetadata: { some: { cache: true } } },
        {
          type: 'file',
          mediaType: 'image/png',
          url: 'https://example.com/a.png',
          filename: 'a.png',
          providerMetadata: { some: { detail: 'high' } },
        },
      ],
    }
    const channel = new MemoryChannel()
    channel.prompt(UIMessageCodec, given, 'p')
    expect(fromHistory(channel.history, 1).messages.map(({ message }) => message)).toEqual([given])
  })

  it('the provider metadata of a reply arrives in this library', async () => {
    const providerMetadata = { some: { signature: 's' } }
    const file = { mediaType: 'image/png', url: 'https://example.com/a.png', providerMetadata } as const
    const source = { sourceId: 's', url: 'https://example.com', providerMetadata } as const
    const channel = new MemoryChannel()
    await channel.reply(UIMessageCodec, [
      { type: 'start-step' },
      { type: 'reasoning-start', id: 'a' },
      { type: 'reasoning-delta', id: 'a', delta: 'Hm' },
      { type: 'reasoning-end', id: 'a', providerMetadata },
      { type: 'text-start', id: 'b', providerMetadata },
      { type: 'text-end', id: 'b' },
      { type: 'file', ...file },
      { type: 'source-url', ...source },
    ])
    const tree = newTree()
    hear(tree, channel.live)
    const right = [
      { type: 'step-start' },
      { type: 'reasoning', text: 'Hm', providerMetadata },
      { type: 'text', text: '', providerMetadata },
      { type: 'file', ...file },
      { type: 'source-url', ...source },
    ]
    expect(partsOf(stateOf(tree))).toEqual(right)
    expect(partsOf(fromHistory(channel.history, 1))).toEqual(right)
  })
})

it('fault 12: new metadata replaces earlier metadata; here it is merged, as in the AI SDK', () => {
  const metadata = (kind: string, value: object) => output('r', { kind, messageMetadata: JSON.stringify(value) })
  const tree = newTree()
  hear(tree, [
    metadata('start', { model: 'a', usage: { input: 1 } }),
    metadata('message-metadata', { usage: { output: 2 } }),
    metadata('finish', { done: true }),
  ])
  expect(stateOf(tree).messages[0]!.message.metadata).toEqual({
    model: 'a',
    usage: { input: 1, output: 2 },
    done: true,
  })
})

it('fault 13: of two answers to one message only the later one starts a run; here both do', () => {
  const answer = (eventId: string) =>
    message('ai-input', { 'run-id': 'r', 'codec-message-id': 'm', 'event-id': eventId }, { kind: 'tool-result' }, {})
  const ofRun = { 'input-codec-message-id': 'q', 'invocation-id': '1' }
  const [start, text] = [runMessage('ai-run-start', 'r', ofRun), output('r', { kind: 'text' }, 'Hi', ofRun)]
  const [suspend, first, second] = [runMessage('ai-run-suspend', 'r', ofRun), answer('e1'), answer('e2')]
  const tree = newTree()
  hear(tree, [start, text, suspend, first, second])
  const areTakenUp = () => ['e1', 'e2'].map((eventId) => acceptedRun(tree, { inputId: 'm', runId: 'r', eventId })?.key)
  expect(areTakenUp()).toEqual([undefined, undefined])
  hear(tree, [runMessage('ai-run-resume', 'r', { 'input-codec-message-id': 'm', 'invocation-id': '2' })])
  expect(areTakenUp()).toEqual(['r', 'r'])
})
