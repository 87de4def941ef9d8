import type { UIMessage, UIMessageChunk } from 'ai'
import type { ReplyEnding, ReplyReading } from '../../core/codec'
import { isToolType, type Part, type ToolPart } from './parts'

/**
 * Learns from the chunks of a reply how the reply ends; the first chunk that tells counts. Errors and aborts are chunks of
 * a stream that otherwise ends well. A model that stopped for its tools waits for the calls that have no outcome yet.
 */
export class EndingWatch {
  readonly #open = new Set<string>()
  #ending: ReplyEnding | undefined

  /** Reads a chunk as it is sent. */
  note(chunk: UIMessageChunk): void {
    noteCall(this.#open, chunk)
    this.#ending ??= endingIn(chunk, this.#open.size > 0)
  }

  get ending(): ReplyEnding | undefined {
    return this.#ending
  }
}

function endingIn(chunk: UIMessageChunk, hasOpenCalls: boolean): ReplyEnding | undefined {
  if (chunk.type === 'error') return { reason: 'error', message: chunk.errorText }
  if (chunk.type === 'abort') return { reason: 'cancelled', message: chunk.reason ?? '' }
  return chunk.type === 'finish' ? finishOf(chunk.finishReason, hasOpenCalls) : undefined
}

function finishOf(finishReason: string | undefined, hasOpenCalls: boolean): ReplyEnding | undefined {
  if (finishReason === 'error') return { reason: 'error', message: 'the model stopped because of an error' }
  return finishReason === 'tool-calls' && hasOpenCalls ? { reason: 'suspend', message: '' } : undefined
}

/** Keeps the ids of calls that wait for an outcome. A call that the provider runs waits only for approval. */
function noteCall(open: Set<string>, chunk: UIMessageChunk): void {
  switch (chunk.type) {
    case 'tool-input-available':
      if (!chunk.providerExecuted) open.add(chunk.toolCallId)
      break
    case 'tool-approval-request':
      open.add(chunk.toolCallId)
      break
    case 'tool-output-available':
      if (!chunk.preliminary) open.delete(chunk.toolCallId)
      break
    case 'tool-input-error':
    case 'tool-output-error':
    case 'tool-output-denied':
      open.delete(chunk.toolCallId)
  }
}

/**
 * A reply for a model; undefined for a reply without content. Calls without an outcome get one, because providers refuse
 * an unanswered call.
 */
export function forModel<M extends UIMessage>(reply: M, { note, isOpen }: ReplyReading = {}): M | undefined {
  if (!reply.parts.some(saysSomething)) return undefined
  const parts = reply.parts.map((part) => answered(part, isOpen))
  return { ...reply, parts: note === undefined ? parts : [...parts, ...noteAfter(parts, note)] }
}

/** A note gets a step of its own after calls, because their outcomes must follow them directly. */
function noteAfter(parts: readonly Part[], note: string): Part[] {
  const block = parts.slice(parts.findLastIndex(({ type }) => type === 'step-start') + 1)
  const text: Part = { type: 'text', text: note }
  return block.some(({ type }) => isToolType(type)) ? [{ type: 'step-start' }, text] : [text]
}

function answered(part: Part, isOpen = false): Part {
  if (!isToolType(part.type) || !('state' in part)) return part
  const call = part as ToolPart
  if (call.state.startsWith('output-') || (isOpen && call.state === 'approval-responded')) {
    return { ...call, input: call.input ?? {} } as Part
  }
  const { approval: _, ...open } = call
  return { ...open, input: call.input ?? {}, state: 'output-error', errorText: 'cancelled' } as Part
}

const saysSomething = (part: Part): boolean =>
  part.type === 'text' ? part.text.trim() !== '' : part.type !== 'step-start' && part.type !== 'reasoning'
