import type { UIMessage } from 'ai'
import type { EncodedPart } from '../../core/codec'
import type { Row } from '../../core/rows'
import { badRequest } from '../../core/errors'
import { Header, headers } from '../../core/wire'
import { toHeader } from '../json'
import { describeMessage } from './envelope'
import { pack, wellFormed } from './fields'
import type { FoldScope } from './fold-scope'
import { isDataType, type Part } from './parts'
import { readPart, writePart } from './simple-part'

export const userMessage = 'user-message'

const isUserType = (type: string): boolean => type === 'text' || type === 'file' || isDataType(type)

const partTypeOf = (row: Row): string => row.codec.partType ?? 'text'

/** Whether a row holds a part that a prompt may have: a prompt must not pass for the text of a model or a tool call. */
export const isUserPart = (row: Row): boolean =>
  (row.transport[Header.role] ?? 'assistant') !== 'assistant' && isUserType(partTypeOf(row))

/** Folds one part of a prompt. A prompt travels as one channel message per part. */
export function foldUserMessage(scope: FoldScope, row: Row): void {
  const message = scope.message(row)
  // NOTE: the row may name a message of a model
  if (!message || message.role === 'assistant') return
  describeMessage(scope, message, row)
  const type = partTypeOf(row)
  const part = isDataType(type)
    ? ({ type, ...scope.fields(row, ['id']), data: scope.draft.opaque(row.data ?? null) } as Part)
    : readPart(scope, row, type)
  message.parts.push(part)
}

// NOTE: apps without types send anything, and a part of a type that does not travel may have any form
const isPart = (part?: UIMessage['parts'][number]): boolean =>
  typeof part?.type === 'string' && (part.type !== 'text' || typeof part.text === 'string')

/** @throws SessionError 40003 for a value that is no message, and for a message in which only blank text travels. */
export function checkContent(message?: UIMessage): void {
  const parts = message?.parts
  const isMessage = Array.isArray(parts) && parts.every(isPart)
  const hasContent =
    isMessage && parts.some((part) => isUserType(part.type) && (part.type !== 'text' || part.text.trim() !== ''))
  const why = isMessage ? 'it is empty' : 'it is neither text nor a message with "parts"'
  if (!hasContent) throw badRequest('send the message', why)
}

/**
 * Encodes the text, file and `data-*` parts of a message; a message without any travels as one empty text. The first
 * part carries the metadata.
 */
export function encodeUserMessage({ id: messageId, metadata, parts }: UIMessage): EncodedPart[] {
  const known = metadata ?? undefined
  const described = toHeader(known)
  if (known !== undefined && described === undefined)
    throw badRequest('send the message', 'its metadata is longer than 7,500 characters of JSON')
  const carried = parts.filter(({ type }) => isUserType(type))
  if (carried.length === 0) carried.push({ type: 'text', text: '' })
  return carried.map((part, index) => {
    const messageMetadata = index === 0 ? described : undefined
    const { codec, data } = 'data' in part ? { codec: pack(part, userMessage, ['id']), data: part.data } : writePart(part, userMessage) // prettier-ignore
    return { codec: headers({ messageId, messageMetadata, partType: part.type, ...codec }), data: wellFormed(data) }
  })
}
