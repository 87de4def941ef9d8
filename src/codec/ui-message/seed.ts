import type { UIMessage } from 'ai'
import { isPlainObject } from '../../core/collections'
import type { Row } from '../../core/log'
import { isDataKind } from './data'
import type { DataPart, FoldScope, Part } from './family'
import { isToolType, type ToolPart } from './tool'

interface SeedEntry {
  codecMessageId: string
  message: Record<string, unknown> & { parts: unknown[] }
}

/**
 * Lays down the messages that an answer brings along, unless the one it speaks of is there: a run that takes the place
 * of a waiting one begins with copies of its messages.
 */
export function foldSeeds(scope: FoldScope, row: Row): void {
  if (scope.existing(row)) return
  for (const { codecMessageId, message: seed } of seedsOf(row.data)) {
    if (scope.draft.find(codecMessageId)) continue
    const message = scope.draft.message(codecMessageId, seed.role === 'user' ? 'user' : 'assistant')
    if (typeof seed.id === 'string') message.id = seed.id
    if (seed.metadata !== undefined) message.metadata = scope.draft.opaque(seed.metadata)
    for (const part of seed.parts) if (isPart(part)) layDown(scope, message, codecMessageId, part)
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

/** Fields that every reader of a part takes for text. */
const texts: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  reasoning: ['text'],
  tool: ['toolCallId', 'state'],
}

function layDown(scope: FoldScope, message: UIMessage, messageId: string, given: { type: string }): void {
  const { type } = given
  // NOTE: a copy, because the row keeps what it has and is folded again
  const part = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, scope.draft.opaque(value as unknown)]),
  )
  for (const field of texts[isToolType(type) ? 'tool' : type] ?? [])
    if (typeof part[field] !== 'string') part[field] = ''
  message.parts.push(part as Part)
  if (isToolType(type)) scope.addTool(messageId, part as unknown as ToolPart)
  else if (isDataKind(type) && typeof part.id === 'string')
    scope.addDataPart(messageId, part as unknown as DataPart, part.id)
}
