import type { DataUIPart, UIDataTypes } from 'ai'
import type { Operation } from '../../core/codec'
import type { Row } from '../../core/log'
import { Header } from '../../core/wire'
import { kindOf, type DataPart, type FoldScope } from './family'
import { pack } from './fields'

/** `data-*` parts: a later one of the same type and id takes the place of the earlier. */
export const isDataKind = (kind: string): kind is `data-${string}` => kind.startsWith('data-')

export function foldData(scope: FoldScope, row: Row): void {
  if (row.codec.transient === 'true') return
  const message = scope.message(row)
  if (!message) return
  const { id } = row.codec
  const type = kindOf(row) as DataPart['type']
  const data = scope.draft.opaque(row.data)
  const known = id === undefined ? undefined : scope.dataPart(row, type, id)
  if (known) {
    known.data = data
    return
  }
  const part: DataPart = { type, ...(id !== undefined && { id }), data }
  message.parts.push(part)
  if (id !== undefined) scope.addDataPart(row.transport[Header.messageId], part, id)
}

export function encodeData(chunk: DataUIPart<UIDataTypes> & { transient?: boolean }): Operation[] {
  const codec = pack(chunk, chunk.type, ['id', 'transient'])
  return [{ op: 'publish', codec, data: chunk.data, ...(chunk.transient && { ephemeral: true }) }]
}
