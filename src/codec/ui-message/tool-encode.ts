import type { Operation } from '../../core/codec'
import { headers, type Headers } from '../../core/wire'
import { parseJson } from '../../core/collections'
import { toHeader } from '../json'
import { longFields, overflowOf, type ChunkOf, type Encodes, type OpenStreams } from './encode'
import { clipped, pack } from './fields'

const inputFields = [
  'toolCallId',
  'toolName',
  'dynamic',
  'title',
  'providerExecuted',
  'providerMetadata',
  'toolMetadata',
] as const

function encodeStart(chunk: ChunkOf<'tool-input-start'>, open: OpenStreams): Operation[] {
  const codec = pack(chunk, 'tool-input', inputFields)
  const streamId = clipped(chunk.toolCallId)
  open.set(chunk.toolCallId, { streamId, codec, streamed: '' })
  return [{ op: 'open', streamId, codec }]
}

function encodeDelta(chunk: ChunkOf<'tool-input-delta'>, open: OpenStreams): Operation[] {
  const stream = open.get(chunk.toolCallId)
  if (!stream) return []
  stream.streamed += chunk.inputTextDelta
  return [{ op: 'append', streamId: stream.streamId, data: chunk.inputTextDelta }]
}

/**
 * Closes a streamed input. A missing rest of its text is appended; if the deltas were another input, the right one goes
 * into a header.
 */
function encodeInput(chunk: ChunkOf<'tool-input-available'>, open: OpenStreams): Operation[] {
  const { toolCallId, input } = chunk
  const codec = pack(chunk, 'tool-input', inputFields)
  const more = overflowOf(chunk, codec, inputFields)
  const stream = open.get(toolCallId)
  if (!stream) return [{ op: 'publish', codec, data: input }, ...more]
  open.delete(toolCallId)
  const { streamId, streamed } = stream
  const text = JSON.stringify(input) ?? ''
  const rest = text.startsWith(streamed) ? text.slice(streamed.length) : ''
  const isOther = rest === '' && text !== streamed && text !== JSON.stringify(parseJson(streamed))
  const known = headers({ ...withoutStructured(stream.codec), ...codec, input: isOther ? toHeader(input) : undefined })
  const isLong = isOther && input !== undefined && known.input === undefined
  const correction = isLong ? [longFields({ toolCallId: clipped(toolCallId) }, { input })] : []
  return [{ op: 'close', streamId, codec: known, ...(rest !== '' && { data: rest }) }, ...correction, ...more]
}

/** Headers without those that a longer value may follow in a row of its own. */
const withoutStructured = ({ providerMetadata: _, toolMetadata: __, ...codec }: Headers): Headers => codec

/** Publishes the error of an input and closes the input's stream. */
function encodeInputError(chunk: ChunkOf<'tool-input-error'>, open: OpenStreams): Operation[] {
  const { toolCallId, errorText, input } = chunk
  const streamId = clipped(toolCallId)
  const codec = pack(chunk, chunk.type, inputFields)
  const failure: Operation = { op: 'publish', codec, data: { errorText, input } }
  const more = overflowOf(chunk, codec, inputFields, resultNames)
  return [...(open.delete(toolCallId) ? [{ op: 'close', streamId } as const] : []), failure, ...more]
}

/** Metadata of an outcome, which is not that of its call. */
const resultNames = { providerMetadata: 'resultProviderMetadata' }

/** Tool calls as operations. */
export const encodeTool: Encodes = {
  'tool-input-start': encodeStart,
  'tool-input-delta': encodeDelta,
  'tool-input-available': encodeInput,
  'tool-input-error': encodeInputError,
  'tool-output-available': {
    fields: ['toolCallId', 'dynamic', 'providerExecuted', 'providerMetadata', 'preliminary'],
    data: ({ output }) => ({ output }),
    as: resultNames,
  },
  'tool-output-error': {
    fields: ['toolCallId', 'dynamic', 'providerExecuted', 'providerMetadata'],
    data: ({ errorText }) => ({ errorText }),
    as: resultNames,
  },
  'tool-output-denied': { fields: ['toolCallId'] },
  'tool-approval-request': {
    fields: ['toolCallId', 'approvalId', 'approvalDescriptor', 'reason', 'isAutomatic', 'signature'],
  },
}
