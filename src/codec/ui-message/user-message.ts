import type { UIMessage } from 'ai'
import type { EncodedPart } from '../../core/codec'
import type { Row } from '../../core/log'
import { Header, headers } from '../../core/wire'
import { toHeader } from '../json'
import { isDataKind } from './data'
import { mergeMetadata } from './envelope'
import { textOf, type FoldScope, type Part } from './family'
import { pack } from './fields'

/** A prompt travels as one channel message per part; together they are one message. */
export function foldUserMessage(scope: FoldScope, row: Row): void {
  const message = isUserPart(row) ? scope.message(row) : undefined
  // NOTE: somebody may name a message that a model has written
  if (!message || message.role === 'assistant') return
  if (row.codec.messageId) message.id = row.codec.messageId
  mergeMetadata(scope, message, row)
  message.parts.push(readPart(scope, row))
}

const partTypeOf = (row: Row): string => row.codec.partType ?? 'text'

/** Whether a row holds a part that prompts may have; a prompt must not pass for a model's words or a tool's. */
export function isUserPart(row: Row): boolean {
  const partType = partTypeOf(row)
  if ((row.transport[Header.role] ?? 'assistant') === 'assistant') return false
  return partType === 'text' || partType === 'file' || isDataKind(partType)
}

function readPart(scope: FoldScope, row: Row): Part {
  const type = partTypeOf(row)
  if (type === 'text') return { type, text: textOf(row), ...scope.fields(row, ['providerMetadata']) }
  if (type === 'file') {
    const fields = scope.fields(row, ['mediaType', 'filename', 'providerMetadata'])
    return { type, mediaType: '', url: textOf(row), ...fields }
  }
  return { type, ...scope.fields(row, ['id']), data: scope.draft.opaque(row.data) } as Part
}

/** Text, file and `data-*` parts; a message without any travels as one empty text. The first brings the metadata. */
export function encodeUserMessage({ id: messageId, metadata, parts }: UIMessage): EncodedPart[] {
  const carried = parts.map(encodePart).filter((part) => part !== undefined)
  const all = carried.length > 0 ? carried : [encodePart({ type: 'text', text: '' })!]
  return all.map(({ codec, data }, index) => ({
    codec: headers({ messageId, messageMetadata: index === 0 ? toHeader(metadata ?? undefined) : undefined, ...codec }),
    data,
  }))
}

function encodePart(part: Part): EncodedPart | undefined {
  if (part.type === 'text') return encoded(part, ['providerMetadata'], part.text)
  if (part.type === 'file') return encoded(part, ['mediaType', 'filename', 'providerMetadata'], part.url)
  return isDataKind(part.type) && 'data' in part ? encoded(part, ['id'], part.data) : undefined
}

const encoded = <P extends Part>(part: P, names: readonly (keyof P & string)[], data: unknown): EncodedPart => ({
  codec: { ...pack(part, 'user-message', names), partType: part.type },
  data,
})
