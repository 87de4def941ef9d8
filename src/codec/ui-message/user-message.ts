import type { UIMessage } from 'ai'
import type { EncodedPart } from '../../core/codec'
import type { Row } from '../../core/log'
import { headers } from '../../core/wire'
import { textOf, type FoldScope, type Part } from './family'

/** A prompt travels as one channel message per part; together they are one message. */
export function foldUserMessage(scope: FoldScope, row: Row): void {
  const message = scope.message(row)
  if (!message) return
  message.id = row.codec.messageId ?? ''
  message.parts.push(readPart(scope, row))
}

function readPart(scope: FoldScope, row: Row): Part {
  const { partType = 'text', mediaType = '', id } = row.codec
  if (partType === 'file') return { type: 'file', mediaType, url: textOf(row) }
  if (partType === 'text') return { type: 'text', text: textOf(row) }
  return { type: partType, ...(id !== undefined && { id }), data: scope.draft.opaque(row.data) } as Part
}

/** Text, file and `data-*` parts; a message without any travels as one empty text. */
export function encodeUserMessage(message: UIMessage): EncodedPart[] {
  const parts = message.parts.map(encodePart).filter((part) => part !== undefined)
  const all = parts.length > 0 ? parts : [{ codec: { partType: 'text' }, data: '' }]
  return all.map(({ codec, data }) => ({
    codec: headers({ kind: 'user-message', messageId: message.id, ...codec }),
    data,
  }))
}

function encodePart(part: Part): { codec: Record<string, string | undefined>; data: unknown } | undefined {
  if (part.type === 'text') return { codec: { partType: 'text' }, data: part.text }
  if (part.type === 'file') return { codec: { partType: 'file', mediaType: part.mediaType }, data: part.url }
  if (part.type.startsWith('data-') && 'data' in part) {
    return { codec: { partType: part.type, id: part.id }, data: part.data }
  }
  return undefined
}
