import type { UIMessage } from 'ai'
import type { EncodedPart } from '../../core/codec'
import type { Row } from '../../core/log'
import { headers } from '../../core/wire'
import { isDataKind } from './data'
import { textOf, type FoldScope, type Part } from './family'

/** A prompt travels as one channel message per part; together they are one message. */
export function foldUserMessage(scope: FoldScope, row: Row): void {
  const message = isUserPart(row) ? scope.message(row) : undefined
  if (!message) return
  if (row.codec.messageId) message.id = row.codec.messageId
  message.parts.push(readPart(scope, row))
}

const partTypeOf = (row: Row): string => row.codec.partType ?? 'text'

/** Whether a row holds a part that prompts may have; a prompt must not pass for a model's words or a tool's. */
export function isUserPart(row: Row): boolean {
  const partType = partTypeOf(row)
  return partType === 'text' || partType === 'file' || isDataKind(partType)
}

function readPart(scope: FoldScope, row: Row): Part {
  const { mediaType = '', id } = row.codec
  const type = partTypeOf(row)
  if (type === 'file') return { type, mediaType, url: textOf(row) }
  if (type === 'text') return { type, text: textOf(row) }
  return { type, ...(id !== undefined && { id }), data: scope.draft.opaque(row.data) } as Part
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
  if (isDataKind(part.type) && 'data' in part) {
    return { codec: { partType: part.type, id: part.id }, data: part.data }
  }
  return undefined
}
