import type { Operation } from '../../core/codec'
import type { Headers } from '../../core/wire'
import { longFields, type ChunkOf, type Encodes, type OpenStream, type OpenStreams } from './encode'
import { clipped, pack } from './fields'

type Kind = 'text' | 'reasoning'
type TextChunk = ChunkOf<`${Kind}-${'start' | 'delta' | 'end'}`>

const kindIn = (type: TextChunk['type']): Kind => (type.startsWith('text') ? 'text' : 'reasoning')

// NOTE: models number texts and reasoning separately, so a text and a reasoning may have the same id
const keyOf = ({ type, id }: TextChunk): string => `${kindIn(type)}:${id}`

function start(chunk: ChunkOf<`${Kind}-start`>, open: OpenStreams): Operation[] {
  const codec = pack(chunk, kindIn(chunk.type), ['id', 'providerMetadata'])
  const key = keyOf(chunk)
  const isTaken = [...open.values()].some(({ streamId }) => streamId === clipped(chunk.id))
  const streamId = clipped(isTaken ? key : chunk.id)
  open.set(key, { streamId, codec, streamed: '', longMetadata: longMetadataOf(chunk, codec) })
  return [{ op: 'open', streamId, codec, further: { continues: 'true' } }]
}

/** Provider metadata of a chunk, if these headers had no room for it. */
const longMetadataOf = ({ providerMetadata }: TextChunk, codec: Headers): object | undefined =>
  codec.providerMetadata === undefined ? providerMetadata : undefined

/** The open stream of a chunk, with the provider metadata that the chunk brings. */
function streamOf(chunk: ChunkOf<`${Kind}-${'delta' | 'end'}`>, open: OpenStreams): OpenStream | undefined {
  const stream = open.get(keyOf(chunk))
  if (!stream || !chunk.providerMetadata) return stream
  const { providerMetadata: _, ...codec } = stream.codec
  const packed = pack(chunk, stream.codec.kind!, ['providerMetadata'])
  return Object.assign(stream, { codec: { ...codec, ...packed }, longMetadata: longMetadataOf(chunk, packed) })
}

function delta(chunk: ChunkOf<`${Kind}-delta`>, open: OpenStreams): Operation[] {
  const stream = streamOf(chunk, open)
  return stream ? [{ op: 'append', streamId: stream.streamId, data: chunk.delta }] : []
}

function end(chunk: ChunkOf<`${Kind}-end`>, open: OpenStreams): Operation[] {
  const stream = streamOf(chunk, open)
  open.delete(keyOf(chunk))
  if (!stream) return []
  const { streamId, codec, longMetadata } = stream
  const { kind = '', id = '' } = codec
  return [
    { op: 'close', streamId, codec },
    ...(longMetadata ? [longFields({ of: kind, id }, { providerMetadata: longMetadata })] : []),
  ]
}

/** Text and reasoning, which are streamed. */
export const encodeText: Encodes = {
  'text-start': start,
  'text-delta': delta,
  'text-end': end,
  'reasoning-start': start,
  'reasoning-delta': delta,
  'reasoning-end': end,
}
