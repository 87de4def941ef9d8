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

function fold(scope: FoldScope, row: Row): object | undefined {
  scope.leadIn(row)
  return scope.push(row, { type: kindOf(row), text: textOf(row), ...scope.fields(row, ['providerMetadata']) })
}

function grow(part: { text: string }, row: Row, opaque: Opaque): void {
  part.text = textOf(row)
  if (!isOpen(row)) Object.assign(part, unpack(row.codec, opaque, ['providerMetadata']))
}

const start = (chunk: ChunkOf<`${Kind}-start`>, open: OpenStreams): Operation[] => {
  const codec = pack(chunk, chunk.type === 'text-start' ? 'text' : 'reasoning', ['id', 'providerMetadata'])
  open.set(chunk.id, { codec, streamed: '' })
  return [{ op: 'open', streamId: chunk.id, codec, isDivisible: true }]
}

/** Lays what a later chunk of a stream says about it over what is known. */
const overlay = (chunk: ChunkOf<`${Kind}-${'delta' | 'end'}`>, open: OpenStreams): OpenStream | undefined => {
  const stream = open.get(chunk.id)
  if (stream && chunk.providerMetadata)
    stream.codec = { ...stream.codec, ...pack(chunk, stream.codec.kind!, ['providerMetadata']) }
  return stream
}

const delta = (chunk: ChunkOf<`${Kind}-delta`>, open: OpenStreams): Operation[] =>
  overlay(chunk, open) ? [{ op: 'append', streamId: chunk.id, data: chunk.delta }] : []

const end = (chunk: ChunkOf<`${Kind}-end`>, open: OpenStreams): Operation[] => {
  const stream = overlay(chunk, open)
  open.delete(chunk.id)
  return stream ? [{ op: 'close', streamId: chunk.id, codec: stream.codec }] : []
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
