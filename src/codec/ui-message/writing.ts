import type { InferUIMessageChunk, UIMessage, UIMessageChunk } from 'ai'
import type { Encoder, Operation, ReplyCodec } from '../../core/codec'
import type { PlainObject } from '../../core/collections'
import { createUIMessageCodec as createReadingCodec, type UIMessageCodec as ReadingCodec } from '.'
import { encodeData } from './data'
import { overflowOf, type Encodes, type OpenStreams, type Whole } from './encode'
import { encodeEnvelope } from './envelope'
import { pack } from './fields'
import { EndingWatch } from './ending'
import { breaksOff, forModel, hasCallsToRun, isContinuable, join } from './model'
import { isDataType } from './parts'
import { encodeText } from './text-encode'
import { tooLarge } from './too-large'
import { encodeTool } from './tool-encode'
import { encodePart } from './simple-part'

/** A codec for the AI SDK's `UIMessage` that reads and writes, as agents use it. */
export interface UIMessageCodec<M extends UIMessage = UIMessage>
  extends Omit<ReadingCodec<M>, 'encoder'>, ReplyCodec<M, InferUIMessageChunk<M>> {}

type AnyEncode = Whole<UIMessageChunk> | ((chunk: UIMessageChunk, open: OpenStreams) => Operation[])

const tables: readonly Encodes[] = [encodeEnvelope, encodeText, encodeTool, encodePart]

let encodes: ReadonlyMap<string, AnyEncode> | undefined

// NOTE: a map, so that a chunk of the type `constructor` is an unknown one
const encodeOf = (type: string): AnyEncode | undefined =>
  (encodes ??= new Map(tables.flatMap((table) => Object.entries(table) as [string, AnyEncode][]))).get(type)

const deltas = new Map([
  ['text-delta', 'delta'],
  ['reasoning-delta', 'delta'],
  ['tool-input-delta', 'inputTextDelta'],
])

/** @throws TypeError for what other streams of the AI SDK have in place of chunks: text, bytes, parts of a model. */
function checkChunk(chunk: unknown): void {
  const { type } = (chunk ?? {}) as { type?: unknown }
  const text = deltas.get(type as string)
  if (typeof type === 'string' && (!text || typeof (chunk as PlainObject)[text] === 'string')) return
  const what = text ? `a ${type as string} without "${text}"` : 'a value without a type'
  throw new TypeError(`the stream has ${what}, so it is no stream of UIMessageChunk: pipe result.toUIMessageStream()`)
}

function encodeChunk(chunk: UIMessageChunk, open: OpenStreams): Operation[] {
  if (isDataType(chunk.type)) return encodeData(chunk as never)
  const how = encodeOf(chunk.type)
  if (!how) return []
  if (typeof how === 'function') return how(chunk, open)
  const codec = pack(chunk, chunk.type, how.fields)
  const more = overflowOf(chunk, codec, how.fields, how.as)
  return [{ op: 'publish', codec, data: how.data ? how.data(chunk) : '' }, ...more]
}

/**
 * Creates a codec for messages of type `M` that reads and writes. Give it your app's message type once; sessions and
 * runs infer it.
 *
 * @example
 * const codec = createUIMessageCodec<MyMessage>()
 */
export function createUIMessageCodec<M extends UIMessage = UIMessage>(): UIMessageCodec<M> {
  return {
    ...createReadingCodec<M>(),
    forModel,
    join,
    isContinuable,
    hasCallsToRun,
    breaksOff,
    encoder(messageId): Encoder<UIMessageChunk> {
      const open: OpenStreams = new Map()
      const watch = new EndingWatch()
      const encode = (chunk: UIMessageChunk): Operation[] => {
        checkChunk(chunk)
        watch.note(chunk)
        return encodeChunk(chunk.type === 'start' ? { ...chunk, messageId: chunk.messageId ?? messageId } : chunk, open)
      }
      const refuse = (chunk: UIMessageChunk, size: number): Operation[] => {
        const said = tooLarge(chunk, size)
        return Array.isArray(said) ? said : encode(said)
      }
      const encodeAfterStop = (chunk: UIMessageChunk): Operation[] =>
        chunk.type === 'message-metadata' ? encodeChunk(chunk, open) : []
      return { encode, encodeAfterStop, refuse, ending: () => watch.ending }
    },
  }
}

/** The codec for plain `UIMessage`s. */
export const UIMessageCodec: UIMessageCodec = /* @__PURE__ */ createUIMessageCodec()
