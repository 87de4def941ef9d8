import type { DataUIPart, UIDataTypes } from 'ai'
import type { Operation } from '../../core/codec'
import type { Row } from '../../core/log'
import { headers } from '../../core/wire'
import { kindOf, type FoldScope, type Part } from './family'

/** `data-*` parts: a later one of the same type and id takes the place of the earlier. */
export const isDataKind = (kind: string): boolean => kind.startsWith('data-')

export function foldData(scope: FoldScope, row: Row): void {
  if (row.codec.transient === 'true') return
  const message = scope.message(row)
  if (!message) return
  const { id } = row.codec
  const type = kindOf(row)
  const part = { type, ...(id !== undefined && { id }), data: scope.draft.opaque(row.data) } as Part
  const known =
    id === undefined ? -1 : message.parts.findIndex((each) => each.type === type && 'id' in each && each.id === id)
  if (known >= 0) message.parts[known] = part
  else message.parts.push(part)
}

export function encodeData(chunk: DataUIPart<UIDataTypes> & { transient?: boolean }): Operation[] {
  const codec = headers({ kind: chunk.type, id: chunk.id, transient: chunk.transient ? 'true' : undefined })
  return [{ op: 'publish', codec, data: chunk.data, ...(chunk.transient && { ephemeral: true }) }]
}
