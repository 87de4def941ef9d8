import type { UIMessageChunk } from 'ai'
import type { Operation } from '../../core/codec'
import type { PlainObject } from '../../core/collections'
import type { Headers } from '../../core/wire'
import { clipped } from './fields'

export type ChunkOf<T extends UIMessageChunk['type']> = Extract<UIMessageChunk, { type: T }>

/** A stream that an encoder has opened and not closed. */
export interface OpenStream {
  /** The stream's id on the channel. */
  streamId: string
  /** The newest codec headers. */
  codec: Headers
  /** Of a tool input: the text of its deltas so far. */
  streamed: string
  /** Provider metadata that is too long for the headers. */
  longMetadata?: object
}

/** Open streams by the id that their chunks carry. */
export type OpenStreams = Map<string, OpenStream>

/** How to write a chunk that is one message: the fields that become codec headers, and its data (default: empty). */
export interface Whole<Chunk> {
  readonly fields: readonly (keyof Chunk & string)[]
  readonly data?: (chunk: Chunk) => unknown
  /** Other names for fields that are too long for headers. */
  readonly as?: Readonly<Record<string, string>>
}

/** By chunk type: how an agent writes it. */
// NOTE: such a table is built without calling anything, so that bundlers drop it from code that only reads
export type Encodes = {
  readonly [T in UIMessageChunk['type']]?: Whole<ChunkOf<T>> | ((chunk: ChunkOf<T>, open: OpenStreams) => Operation[])
}

/**
 * Fields of a part in a row of their own, because they are too long for its headers: a signature must not be lost.
 *
 * @param about - names the part; without it the fields are those of the newest part, or of the message
 */
export const longFields = (about: Record<string, string>, data: object): Operation => ({
  op: 'publish',
  codec: { kind: 'part-metadata', ...about },
  data,
  isExtra: true,
})

/** The fields of a chunk that its headers have no room for, as a row of their own. */
export function overflowOf(
  chunk: UIMessageChunk & { toolCallId?: string },
  codec: Headers,
  names: readonly string[],
  as: Readonly<Record<string, string>> = {},
): Operation[] {
  const source = chunk as unknown as PlainObject
  const missing = names.filter(
    (name) => source[name] !== undefined && source[name] !== null && codec[name] === undefined,
  )
  if (missing.length === 0) return []
  const about = chunk.toolCallId === undefined ? undefined : { toolCallId: clipped(chunk.toolCallId) }
  return [longFields(about ?? {}, Object.fromEntries(missing.map((name) => [as[name] ?? name, source[name]])))]
}
