import type { UIMessage, UIMessageChunk } from 'ai'
import type { ReplyEnding } from '../../core/codec'
import type { Part } from './family'
import { isToolType, type ToolPart } from './tool'

/** Errors and aborts travel as chunks of a stream that otherwise ends well. */
export function endingOf(chunk: UIMessageChunk): ReplyEnding | undefined {
  if (chunk.type === 'error') return { reason: 'error', message: chunk.errorText }
  if (chunk.type === 'abort') return { reason: 'cancelled', message: chunk.reason ?? '' }
  return undefined
}

/**
 * A reply for a model; one that was stopped before it said anything is left out. Calls without an outcome get one,
 * because providers refuse a call that nothing answers.
 */
export function forModel<M extends UIMessage>(reply: M, note?: string): M | undefined {
  if (!reply.parts.some(saysSomething)) return undefined
  const parts = reply.parts.map(answered)
  return { ...reply, parts: note === undefined ? parts : [...parts, { type: 'text', text: note }] }
}

function answered(part: Part): Part {
  if (!isToolType(part.type) || !('state' in part) || part.state?.startsWith('output-')) return part
  const { approval: _, ...call } = part as ToolPart
  return { input: {}, ...call, state: 'output-error', errorText: 'cancelled' } as Part
}

const saysSomething = (part: Part): boolean =>
  part.type === 'text' ? part.text.trim() !== '' : part.type !== 'step-start' && part.type !== 'reasoning'
