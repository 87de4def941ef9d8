import type { UIMessage, UIMessageChunk } from 'ai'
import type { ReplyEnding } from '../../core/codec'
import type { Part } from './family'

/** Errors and aborts travel as chunks of a stream that otherwise ends well. */
export function endingOf(chunk: UIMessageChunk): ReplyEnding | undefined {
  if (chunk.type === 'error') return { reason: 'error', message: chunk.errorText }
  if (chunk.type === 'abort') return { reason: 'cancelled', message: chunk.reason ?? '' }
  return undefined
}

/** A reply for a model; one that was stopped before it said anything is left out. */
export function forModel<M extends UIMessage>(reply: M, note?: string): M | undefined {
  if (!reply.parts.some(saysSomething)) return undefined
  return note === undefined ? reply : { ...reply, parts: [...reply.parts, { type: 'text', text: note }] }
}

const saysSomething = (part: Part): boolean =>
  part.type === 'text' ? part.text.trim() !== '' : part.type !== 'step-start' && part.type !== 'reasoning'
