import type { UIMessageChunk } from 'ai'
import type { Operation } from '../../core/codec'
import type { Headers } from '../../core/wire'

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
}

/** By chunk type: how an agent writes it. */
// NOTE: such a table is built without calling anything, so that bundlers drop it from code that only reads
export type Encodes = {
  readonly [T in UIMessageChunk['type']]?: Whole<ChunkOf<T>> | ((chunk: ChunkOf<T>, open: OpenStreams) => Operation[])
}

/** Provider metadata in a message of its own: a signature must not be lost because it does not fit the headers. */
export const metadataOf = (about: Record<string, string>, providerMetadata: object): Operation => ({
  op: 'publish',
  codec: { kind: 'part-metadata', ...about },
  data: { providerMetadata },
})
