import { headers } from '../../core/wire'
import { toHeader } from '../json'
import { textOf, type ChunkOf, type OpenStreams, type PartFamily } from './family'
import type { Operation } from '../../core/codec'
import type { Row } from '../../core/log'
import type { FoldScope } from './family'

type Kind = 'text' | 'reasoning'

const fold =
  (type: Kind) =>
  (scope: FoldScope, row: Row): object | undefined => {
    scope.leadIn(row)
    return scope.push(row, { type, text: textOf(row) })
  }

const grow = (part: { text: string }, row: Row): void => {
  part.text = textOf(row)
}

const start =
  (kind: Kind) =>
  (chunk: ChunkOf<`${Kind}-start`>, open: OpenStreams): Operation[] => {
    const codec = headers({ kind, id: chunk.id, providerMetadata: toHeader(chunk.providerMetadata) })
    open.set(chunk.id, { codec, streamed: '' })
    return [{ op: 'open', streamId: chunk.id, codec }]
  }

const delta = (chunk: ChunkOf<`${Kind}-delta`>, open: OpenStreams): Operation[] =>
  open.has(chunk.id) ? [{ op: 'append', streamId: chunk.id, data: chunk.delta }] : []

const end = (chunk: ChunkOf<`${Kind}-end`>, open: OpenStreams): Operation[] => {
  const stream = open.get(chunk.id)
  if (!stream) return []
  open.delete(chunk.id)
  const overlay = headers({ providerMetadata: toHeader(chunk.providerMetadata) })
  return [{ op: 'close', streamId: chunk.id, codec: { ...stream.codec, ...overlay } }]
}

/** Text and reasoning: streamed, one part each. */
export const textFamily: PartFamily = {
  fold: { text: fold('text'), reasoning: fold('reasoning') },
  grow: { text: grow, reasoning: grow },
  encode: {
    'text-start': start('text'),
    'text-delta': delta,
    'text-end': end,
    'reasoning-start': start('reasoning'),
    'reasoning-delta': delta,
    'reasoning-end': end,
  },
}
