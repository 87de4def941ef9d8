import type { UIMessageChunk } from 'ai'
import type { Operation } from '../../core/codec'
import { newId } from '../../core/id'
import { isDataKind } from './data'

/** What says in place of a chunk why that is not there. */
export function tooLarge(chunk: UIMessageChunk, size: number): UIMessageChunk | Operation[] {
  // A later output takes the place of a preliminary one
  if (chunk.type === 'tool-output-available' && chunk.preliminary) return []
  const errorText = `too large to be sent: ${size} bytes`
  switch (chunk.type) {
    case 'tool-output-available':
    case 'tool-output-error': {
      const { toolCallId, dynamic, providerExecuted } = chunk
      return { type: 'tool-output-error', toolCallId, dynamic, providerExecuted, errorText }
    }
    case 'tool-input-available':
    case 'tool-input-error':
      return { ...chunk, type: 'tool-input-error', input: undefined, errorText }
    case 'file':
      return noteOn('file', errorText)
    default:
      return isDataKind(chunk.type) && !('transient' in chunk && chunk.transient) ? noteOn(chunk.type, errorText) : []
  }
}

/** A text that tells what is missing. */
function noteOn(what: string, why: string): Operation[] {
  const id = newId()
  return [
    { op: 'open', streamId: id, codec: { kind: 'text', id } },
    { op: 'close', streamId: id, data: `[${what} ${why}]` },
  ]
}
