import type { Operation } from '../../core/codec'
import type { ChunkOf, Encodes, OpenStream, OpenStreams } from './encode'
import { pack } from './fields'

type Kind = 'text' | 'reasoning'
type TextChunk = ChunkOf<`${Kind}-${'start' | 'delta' | 'end'}`>

const kindIn = (type: TextChunk['type']): Kind => (type.startsWith('text') ? 'text' : 'reasoning')

// NOTE: models number texts and reasoning separately, so a text and a reasoning may have the same id
const keyOf = ({ type, id }: TextChunk): string => `${kindIn(type)}:${id}`

function start(chunk: ChunkOf<`${Kind}-start`>, open: OpenStreams): Operation[] {
  const codec = pack(chunk, kindIn(chunk.type), ['id', 'providerMetadata'])
  const key = keyOf(chunk)
  const isTaken = [...open.values()].some(({ streamId }) => streamId === chunk.id)
  const streamId = isTaken ? key : chunk.id
  open.set(key, { streamId, codec, streamed: '' })
  return [{ op: 'open', streamId, codec, isDivisible: true }]
}

/** The open stream of a chunk, with the provider metadata that the chunk brings. */
function streamOf(chunk: ChunkOf<`${Kind}-${'delta' | 'end'}`>, open: OpenStreams): OpenStream | undefined {
  const stream = open.get(keyOf(chunk))
  if (stream && chunk.providerMetadata)
    stream.codec = { ...stream.codec, ...pack(chunk, stream.codec.kind!, ['providerMetadata']) }
  return stream
}

function delta(chunk: ChunkOf<`${Kind}-delta`>, open: OpenStreams): Operation[] {
  const stream = streamOf(chunk, open)
  return stream ? [{ op: 'append', streamId: stream.streamId, data: chunk.delta }] : []
}

function end(chunk: ChunkOf<`${Kind}-end`>, open: OpenStreams): Operation[] {
  const stream = streamOf(chunk, open)
  open.delete(keyOf(chunk))
  return stream ? [{ op: 'close', streamId: stream.streamId, codec: stream.codec }] : []
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
