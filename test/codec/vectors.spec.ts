import { readFileSync } from 'node:fs'
import type { UIMessage, UIMessageChunk } from 'ai'
import { describe, expect, it } from 'vitest'
import { MessageWriter } from '../../src/agent/message-writer'
import { UIMessageCodec, type Input } from '../../src/codec'
import type { ChannelMessage, OutgoingMessage } from '../../src/core/wire'
import { freePublisher } from '../support/free-channel'
import { hear, newTree, readBack } from '../support/transcripts'

type Extras = OutgoingMessage['extras']

/** An operation on the channel. */
type Recorded =
  | { op: 'publish' | 'publish-batch'; messages: { name: string; data: unknown; extras: Extras }[] }
  | { op: 'append'; message: { serial: string; data: string; extras: Extras } }

interface Message {
  codecMessageId: string
  message: UIMessage
}

interface Vector {
  name: string
  given: (UIMessageChunk | '<cancelStreams>')[] | GivenInput
  operations: Recorded[]
  messages: Message[]
  messagesFromHistory: Message[]
}

type GivenInput =
  | { kind: 'user-message'; message: UIMessage }
  | { kind: 'regenerate' }
  | { kind: string; codecMessageId: string; payload: Payload }

interface Payload {
  toolCallId: string
  output?: unknown
  message: string
  approved: boolean
  forkSeed?: { messages: Message[] }
}

const { vectors } = JSON.parse(readFileSync(new URL('../transcripts/codec-vectors.json', import.meta.url), 'utf8')) as {
  vectors: Vector[]
}

/** Operations whose messages have one more codec header here. */
const withHeader = (recorded: Recorded[], header: Record<string, string>): unknown =>
  structuredClone(recorded).map((operation) => {
    for (const { extras } of 'messages' in operation ? operation.messages : [])
      extras.ai.codec = { ...extras.ai.codec, ...header }
    return operation
  })

/** Places where the recorded package is wrong, with the right value. */
const right: Record<string, { why: string; operations?: (recorded: Recorded[]) => unknown; parts?: unknown[] }> = {
  'tool input started, no deltas (input is lost)': {
    why: 'an input that was announced but not streamed is appended before the stream closes (fault 7)',
    operations: (recorded) =>
      recorded.toSpliced(
        -1,
        0,
        expect.objectContaining({ op: 'append', message: expect.objectContaining({ data: '{}' }) }),
      ),
  },
  'user-message with metadata (dropped)': {
    why: 'the metadata of a prompt travels (fault 11)',
    operations: (recorded) => withHeader(recorded, { messageMetadata: '{"x":1}' }),
  },
  'user-message system role': {
    why: 'a prompt of another role would be taken for a fork by everybody else',
    operations: () => expect.stringContaining('its role is "system"'),
  },
  'text with provider metadata': {
    why: 'provider metadata is on the channel, so it is shown (fault 11)',
    parts: [{ type: 'text', providerMetadata: { p: { x: 3 } } }],
  },
  file: {
    why: 'provider metadata is on the channel, so it is shown (fault 11)',
    parts: [{ type: 'file', providerMetadata: { p: { z: 1 } } }],
  },
  'tool-output-available preliminary': {
    why: 'an outcome may say that the provider ran the call, as for the reader of the AI SDK',
    parts: [{ type: 'tool-n', providerExecuted: true }],
  },
}

const headers = { role: 'assistant', 'codec-message-id': 'cm-1', 'run-id': 'run-1' }

/** The operations of the agent on the channel for the chunks of a reply. */
async function written(chunks: Extract<Vector['given'], unknown[]>): Promise<Recorded[]> {
  const operations: Recorded[] = []
  let published = 0
  const publisher = freePublisher({
    publishOne({ name, data, extras }: OutgoingMessage) {
      operations.push({ op: 'publish', messages: [{ name: name!, data, extras }] })
      return Promise.resolve(`s${String(++published).padStart(3, '0')}`)
    },
    append(serial: string, data: string, extras: Extras) {
      operations.push({ op: 'append', message: { serial, data, extras } })
      return Promise.resolve()
    },
  })
  const fail = (error: unknown): never => {
    throw error
  }
  const writer = new MessageWriter(publisher, UIMessageCodec.encoder('cm-1'), headers, fail)
  for (const chunk of chunks) await (chunk === '<cancelStreams>' ? writer.closeAll() : writer.write(chunk))
  return operations
}

function inputOf(given: GivenInput): { input: Input<UIMessage>; messageId: string } {
  if (given.kind === 'regenerate') return { input: { type: 'regenerate' }, messageId: 'cm-1' }
  if ('message' in given) return { input: UIMessageCodec.createUserMessage(given.message), messageId: 'cm-1' }
  const { kind, codecMessageId: messageId, payload } = given as Extract<GivenInput, { payload: Payload }>
  const { toolCallId, output, message, approved, forkSeed } = payload
  if (kind === 'tool-approval-response')
    return { input: UIMessageCodec.createToolApproval({ toolCallId, approved }), messageId }
  if (kind === 'tool-result-error')
    return { input: UIMessageCodec.createToolOutputError({ toolCallId, errorText: message }), messageId }
  const seeds = forkSeed?.messages.map((seed) => ({ messageId: seed.codecMessageId, message: seed.message }))
  const answer = UIMessageCodec.createToolOutput({ toolCallId, output })
  return { input: seeds ? UIMessageCodec.seeded!(answer, seeds) : answer, messageId }
}

/** The messages that a client publishes for an input, with the transport headers of the recording. */
function sent(given: GivenInput): Recorded[] {
  const { input, messageId } = inputOf(given)
  const { role = 'user', parts } = UIMessageCodec.encode(input)
  const isMessage = input.type === 'message'
  const transport = {
    ...headers,
    role,
    'codec-message-id': messageId,
    stream: 'false',
    ...(isMessage && { discrete: 'true' }),
  }
  const messages = parts.map(({ codec, data }) => ({ name: 'ai-input', data, extras: { ai: { transport, codec } } }))
  return [{ op: isMessage ? 'publish-batch' : 'publish', messages }]
}

/** The messages that a live subscriber receives. */
function heard(operations: readonly Recorded[]): ChannelMessage[] {
  let created = 0
  let clock = 0
  const next = () => `v${String(++clock).padStart(3, '0')}`
  return operations.flatMap((operation): ChannelMessage[] => {
    if (operation.op === 'append')
      return [{ ...operation.message, action: 'message.append', version: { serial: next() } }]
    return operation.messages.map((message) => {
      const serial = `s${String(++created).padStart(3, '0')}`
      return { ...message, serial, action: 'message.create', version: { serial } }
    })
  })
}

/** The same messages from history, newest first: one per serial, without ephemeral ones. */
function kept(live: readonly ChannelMessage[]): ChannelMessage[] {
  const bySerial = new Map<string, ChannelMessage>()
  for (const message of live) {
    const before = bySerial.get(message.serial!)
    const data = before ? `${before.data as string}${message.data as string}` : message.data
    bySerial.set(message.serial!, { ...before, ...message, data, action: before ? 'message.update' : message.action! })
  }
  return [...bySerial.values()].filter(({ extras }) => !(extras as Extras).ephemeral).toReversed()
}

function shown(fill: (tree: ReturnType<typeof newTree>) => void): unknown {
  const tree = newTree()
  fill(tree)
  const run = tree.runs.get('run-1')
  const messages = Array.from(run?.ids ?? [], (id) => ({ codecMessageId: id, message: run!.message(id) }))
  return JSON.parse(JSON.stringify(messages))
}

/** Recorded messages with the wrong parts corrected. */
const corrected = (messages: Message[], parts: unknown[] = []): unknown =>
  messages.map(({ message, ...rest }) => ({
    ...rest,
    message: {
      ...message,
      parts: message.parts.map((part) => ({
        ...part,
        ...parts.find((fix) => (fix as typeof part).type === part.type)!,
      })),
    },
  }))

describe.each(vectors)('codec vector "$name"', ({ name, given, operations, messages, messagesFromHistory }) => {
  const fix = right[name]
  const note = fix ? `, but ${fix.why}` : ''

  it(`is written as recorded${note}`, async () => {
    const ours = Promise.resolve(given).then((all) => (Array.isArray(all) ? written(all) : sent(all)))
    const outcome = await ours.catch(({ message }: Error) => message)
    expect(outcome).toEqual(fix?.operations?.(operations) ?? operations)
  })

  it(`is read as recorded${note}, live`, () => {
    expect(shown((tree) => hear(tree, heard(operations)))).toEqual(corrected(messages, fix?.parts))
  })

  it.each([1, 2, 100])(`is read as recorded${note}, from history in pages of %i`, (pageSize) => {
    const history = kept(heard(operations))
    expect(shown((tree) => readBack(tree, history, pageSize))).toEqual(corrected(messagesFromHistory, fix?.parts))
  })
})

it('every known fault is in the recordings', () => {
  expect(vectors.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(right)))
})
