import type { UIMessageChunk } from 'ai'
import type { Operation } from '../../core/codec'
import { newId } from '../../core/wire'
import { isDataType } from './parts'

/** The chunk or operations that replace a chunk of this size (in bytes) and report it as too large. */
export function tooLarge(chunk: UIMessageChunk, size: number): UIMessageChunk | Operation[] {
  // A later output replaces a preliminary one
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
      // NOTE: the outcome of the call takes the place of this error, so the input says it, too
      return { ...chunk, type: 'tool-input-error', input: { missing: errorText }, errorText }
    case 'file':
      return noteOn('file', errorText)
    default:
      return isDataType(chunk.type) && !('transient' in chunk && chunk.transient) ? noteOn(chunk.type, errorText) : []
  }
}

/** A text part that names the missing part. */
function noteOn(type: string, why: string): Operation[] {
  const id = newId()
  return [
    { op: 'open', streamId: id, codec: { kind: 'text', id } },
    { op: 'close', streamId: id, data: `[${type} ${why}]` },
  ]
}
