import type { UIMessageChunk } from 'ai'
import type { ReplyEnding } from '../../core/codec'

/**
 * Learns from the chunks of a reply how the reply ends; the first chunk that tells counts. Errors and aborts are chunks
 * of a stream that otherwise ends well. A model that stopped for its tools waits for the calls that have no outcome
 * yet.
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
