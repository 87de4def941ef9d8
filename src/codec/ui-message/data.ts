import type { DataUIPart, UIDataTypes } from 'ai'
import type { Operation } from '../../core/codec'
import type { Row } from '../../core/rows'
import { kindOf, messageIdOf, pack } from './fields'
import type { FoldScope } from './fold-scope'
import type { DataPart } from './parts'

/** Folds a `data-*` part. It replaces an earlier one of the same type and id. */
export function foldData(scope: FoldScope, row: Row): void {
  if (row.codec.transient === 'true') return
  const { id } = row.codec
  const type = kindOf(row) as DataPart['type']
  // NOTE: a message without data had the data `null`
  const data = scope.draft.opaque(row.data ?? null)
  const known = id === undefined ? undefined : scope.find<DataPart>(messageIdOf(row), id, type)
  if (known) {
    known.data = data
    return
  }
  const part = scope.push<DataPart>(row, { type, ...(id !== undefined && { id }), data })
  if (part && id !== undefined) scope.add(messageIdOf(row), id, part, type)
}

export function encodeData(chunk: DataUIPart<UIDataTypes> & { transient?: boolean }): Operation[] {
  const codec = pack(chunk, chunk.type, ['id', 'transient'])
  return [{ op: 'publish', codec, data: chunk.data, ...(chunk.transient && { ephemeral: true }) }]
}
