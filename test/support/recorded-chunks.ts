import type { UIMessageChunk } from 'ai'
import type { ChannelMessage } from '../../src/core/wire'
import { transportOf } from './agent'

/** Restores the chunks that an agent was given from its operations on the channel. */
export class RecordedChunks {
  /** The streamed text so far, by serial. */
  readonly #streams = new Map<string, { codec: Codec; text: string }>()

  /** The chunk of one operation of an agent; undefined if no chunk caused it. */
  of(message: ChannelMessage): UIMessageChunk | undefined {
    const codec = (message.extras as { ai: { codec?: Codec } }).ai.codec ?? {}
    if (transportOf(message).stream !== 'true') return discrete(codec, message.data)
    const stream = this.#streams.get(message.serial!)
    if (!stream) {
      this.#streams.set(message.serial!, { codec, text: '' })
      return opening(codec)
    }
    if (message.action === 'message.append' && message.data) {
      stream.text += message.data as string
      return delta(codec, message.data as string)
    }
    const text = message.data ? (message.data as string) : stream.text
    return transportOf(message).status === 'complete' ? closing(stream.codec, codec, text) : undefined
  }
}

type Codec = Record<string, string>

const json = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text))

const given = <T extends object>(entries: T): T =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as T

const flag = (value: string | undefined) => (value === 'true' ? true : undefined)

/** The fields of a call that several tool chunks have. */
const callOf = ({ toolCallId, toolName, title, dynamic, providerExecuted, providerMetadata }: Codec) => ({
  toolCallId,
  toolName,
  title,
  dynamic: flag(dynamic),
  providerExecuted: flag(providerExecuted),
  providerMetadata: json(providerMetadata),
})

function discrete(codec: Codec, data: unknown): UIMessageChunk {
  const { kind = '' } = codec
  const chunk = (entries: object) => given({ type: kind, ...entries }) as UIMessageChunk
  const providerMetadata = json(codec.providerMetadata)
  switch (kind) {
    case 'start':
      return chunk({ messageId: codec.messageId, messageMetadata: json(codec.messageMetadata) })
    case 'finish':
      return chunk({ finishReason: codec.finishReason, messageMetadata: json(codec.messageMetadata) })
    case 'message-metadata':
      return chunk({ messageMetadata: json(codec.messageMetadata) })
    case 'error':
      return chunk({ errorText: data })
    case 'tool-input':
      return chunk({ ...callOf(codec), type: 'tool-input-available', input: data })
    case 'tool-input-error':
      return chunk({ ...callOf(codec), ...(data as object) })
    case 'tool-output-available':
      return chunk({ ...callOf(codec), preliminary: flag(codec.preliminary), ...(data as object) })
    case 'tool-output-error':
      return chunk({ ...callOf(codec), ...(data as object) })
    case 'tool-output-denied':
      return chunk({ toolCallId: codec.toolCallId })
    case 'tool-approval-request':
      return chunk({ toolCallId: codec.toolCallId, approvalId: codec.approvalId })
    case 'file':
      return chunk({ mediaType: codec.mediaType, url: data, providerMetadata })
    case 'source-url':
      return chunk({ sourceId: codec.sourceId, title: codec.title, url: data, providerMetadata })
    case 'source-document':
      return chunk({ ...codec, kind: undefined, providerMetadata })
    default:
      if (kind.startsWith('data-')) return chunk({ id: codec.id, transient: flag(codec.transient), data })
      if (kind === 'start-step' || kind === 'finish-step') return chunk({})
      throw new Error(`no chunk is known for "${kind}"`)
  }
}

function opening(codec: Codec): UIMessageChunk {
  if (codec.kind === 'tool-input') return given({ type: 'tool-input-start', ...callOf(codec) }) as UIMessageChunk
  const type = `${codec.kind as 'text'}-start` as const
  return given({ type, id: codec.id!, providerMetadata: json(codec.providerMetadata) }) as UIMessageChunk
}

const delta = ({ kind, id = '', toolCallId = '' }: Codec, text: string): UIMessageChunk =>
  kind === 'tool-input'
    ? { type: 'tool-input-delta', toolCallId, inputTextDelta: text }
    : { type: `${kind as 'text'}-delta`, id, delta: text }

function closing(start: Codec, codec: Codec, text: string): UIMessageChunk {
  // Only changes made by the end were part of its chunk
  const providerMetadata = codec.providerMetadata === start.providerMetadata ? undefined : json(codec.providerMetadata)
  if (codec.kind !== 'tool-input') {
    return given({ type: `${codec.kind as 'text'}-end`, id: codec.id!, providerMetadata }) as UIMessageChunk
  }
  const { toolCallId, toolName } = codec
  const input = json(text)
  return given({ type: 'tool-input-available', toolCallId, toolName, input, providerMetadata }) as UIMessageChunk
}
