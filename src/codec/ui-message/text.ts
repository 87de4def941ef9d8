import type { Operation } from '../../core/codec'
import { isOpen, type Row } from '../../core/log'
import {
  kindOf,
  textOf,
  type ChunkOf,
  type FoldScope,
  type Opaque,
  type Encodes,
  type Folds,
  type Grows,
  type OpenStream,
  type OpenStreams,
} from './family'
import { pack, unpack } from './fields'

type Kind = 'text' | 'reasoning'
type TextChunk = ChunkOf<`${Kind}-${'start' | 'delta' | 'end'}`>

function fold(scope: FoldScope, row: Row): object | undefined {
  scope.leadIn(row)
  return scope.push(row, { type: kindOf(row), text: textOf(row), ...scope.fields(row, ['providerMetadata']) })
}

function grow(part: { text: string }, row: Row, opaque: Opaque): void {
  part.text = textOf(row)
  if (!isOpen(row)) Object.assign(part, unpack(row.codec, opaque, ['providerMetadata']))
}

// NOTE: models number their texts and their reasoning apart, so both may have the same ids
const keyOf = ({ type, id }: TextChunk): string => `${kindIn(type)}:${id}`

const kindIn = (type: TextChunk['type']): Kind => (type.startsWith('text') ? 'text' : 'reasoning')

const start = (chunk: ChunkOf<`${Kind}-start`>, open: OpenStreams): Operation[] => {
  const codec = pack(chunk, kindIn(chunk.type), ['id', 'providerMetadata'])
  const key = keyOf(chunk)
  const isTaken = [...open.values()].some(({ streamId }) => streamId === chunk.id)
  const streamId = isTaken ? key : chunk.id
  open.set(key, { streamId, codec, streamed: '' })
  return [{ op: 'open', streamId, codec, isDivisible: true }]
}

/** Lays what a later chunk of a stream says about it over what is known. */
const overlay = (chunk: ChunkOf<`${Kind}-${'delta' | 'end'}`>, open: OpenStreams): OpenStream | undefined => {
  const stream = open.get(keyOf(chunk))
  if (stream && chunk.providerMetadata)
    stream.codec = { ...stream.codec, ...pack(chunk, stream.codec.kind!, ['providerMetadata']) }
  return stream
}

const delta = (chunk: ChunkOf<`${Kind}-delta`>, open: OpenStreams): Operation[] => {
  const stream = overlay(chunk, open)
  return stream ? [{ op: 'append', streamId: stream.streamId, data: chunk.delta }] : []
}

const end = (chunk: ChunkOf<`${Kind}-end`>, open: OpenStreams): Operation[] => {
  const stream = overlay(chunk, open)
  open.delete(keyOf(chunk))
  return stream ? [{ op: 'close', streamId: stream.streamId, codec: stream.codec }] : []
}

/** Text and reasoning: streamed, one part each. */
export const foldText: Folds = { text: fold, reasoning: fold }

export const growText: Grows = { text: grow, reasoning: grow }

export const encodeText: Encodes = {
  'text-start': start,
  'text-delta': delta,
  'text-end': end,
  'reasoning-start': start,
  'reasoning-delta': delta,
  'reasoning-end': end,
}
