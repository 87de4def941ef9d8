import type { UIMessage } from 'ai'
import { isPlainObject } from '../../core/collections'
import type { Row } from '../../core/rows'
import type { FoldScope } from './fold-scope'
import { isDataType, isToolType, type DataPart, type Part, type ToolPart } from './parts'
import { shapeOf } from './simple-part'

interface SeedEntry {
  codecMessageId: string
  message: Record<string, unknown> & { parts: unknown[] }
}

/**
 * Folds the messages that an answer brings along, unless the message that it answers exists: a run that replaces a
 * suspended one begins with copies of that run's messages.
 */
export function foldSeeds(scope: FoldScope, row: Row): void {
  if (scope.existing(row)) return
  for (const { codecMessageId, message: seed } of seedsOf(row.data)) {
    if (scope.draft.find(codecMessageId)) continue
    const message = scope.draft.message(codecMessageId, seed.role === 'user' ? 'user' : 'assistant')
    if (typeof seed.id === 'string') message.id = seed.id
    if (seed.metadata !== undefined) message.metadata = scope.draft.opaque(seed.metadata)
    for (const part of seed.parts) if (isPart(part)) copyPart(scope, message, codecMessageId, part)
  }
}

function seedsOf(data: unknown): SeedEntry[] {
  const seeds = isPlainObject(data) && isPlainObject(data.forkSeed) ? data.forkSeed.messages : undefined
  return Array.isArray(seeds) ? seeds.filter(isSeed) : []
}

const isSeed = (entry: unknown): entry is SeedEntry =>
  isPlainObject(entry) &&
  typeof entry.codecMessageId === 'string' &&
  isPlainObject(entry.message) &&
  Array.isArray(entry.message.parts)

const isPart = (part: unknown): part is Record<string, unknown> & { type: string } =>
  isPlainObject(part) && typeof part.type === 'string'

function copyPart(scope: FoldScope, message: UIMessage, messageId: string, given: { type: string }): void {
  const { type } = given
  // NOTE: a copy, because the row is folded again when its node is
  const part = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, scope.draft.opaque(value as unknown)]),
  )
  // Readers expect text in these fields
  for (const field of isToolType(type) ? ['toolCallId', 'state'] : [shapeOf(type)?.data])
    if (field && typeof part[field] !== 'string') part[field] = ''
  message.parts.push(part as Part)
  if (isToolType(type)) scope.addTool(messageId, part as unknown as ToolPart)
  else if (isDataType(type) && typeof part.id === 'string')
    scope.add(messageId, part.id, part as unknown as DataPart, type)
}
