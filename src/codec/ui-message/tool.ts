import type { Operation } from '../../core/codec'
import { isStreamed, type Row } from '../../core/log'
import { Header, headers } from '../../core/wire'
import { parseJson, toHeader } from '../json'
import { textOf, type ChunkOf, type FoldScope, type Opaque, type OpenStreams, type PartFamily } from './family'

/** A tool call as it stands: the fields that the AI SDK's tool parts share. */
export interface ToolPart {
  type: string
  toolName?: string
  toolCallId: string
  title?: string
  providerExecuted?: boolean
  state: string
  input?: unknown
  output?: unknown
  errorText?: string
  preliminary?: boolean
  approval?: { id: string; approved?: boolean; reason?: string }
}

export const isToolType = (type: string): boolean => type === 'dynamic-tool' || type.startsWith('tool-')

/** Whether a call waits for its input, so that its input may still change what it says about itself. */
const awaitsInput = (part: ToolPart): boolean => part.state === 'input-streaming' || part.state === 'input-available'

function newPart(row: Row): ToolPart {
  const { toolName = '', toolCallId = '', title, dynamic, providerExecuted } = row.codec
  return {
    ...(dynamic === 'true' ? { type: 'dynamic-tool', toolName } : { type: `tool-${toolName}` }),
    toolCallId,
    state: 'input-streaming',
    ...(title !== undefined && { title }),
    ...(providerExecuted === 'true' && { providerExecuted: true }),
  }
}

/** Gives a call its input, as far as the row has it. */
function readInput(part: ToolPart, row: Row, opaque: Opaque): void {
  if (!isStreamed(row)) {
    part.input = opaque(row.data)
    part.state = 'input-available'
    return
  }
  const text = textOf(row)
  const isWhole = row.transport.status === 'complete'
  const input = isWhole ? (parseJson(text) ?? (text === '' ? undefined : text)) : partialInput(text)
  if (input !== undefined) part.input = opaque(input)
  if (isWhole && awaitsInput(part)) part.state = 'input-available'
}

const brackets: Record<string, string> = { '{': '}', '[': ']', '"': '"' }

/** Input that is still streaming counts once it is complete JSON; only text that may be is parsed. */
function partialInput(text: string): unknown {
  const closing = brackets[text[0] ?? '']
  return closing !== undefined && text.endsWith(closing) ? parseJson(text) : undefined
}

function foldInput(scope: FoldScope, row: Row): object | undefined {
  scope.leadIn(row)
  const part = newPart(row)
  readInput(part, row, (value) => scope.draft.opaque(value))
  const pushed = scope.push(row, part)
  if (pushed) scope.addTool(row.transport[Header.messageId], pushed)
  return isStreamed(row) ? pushed : undefined
}

const dataOf = (row: Row): Record<string, unknown> =>
  typeof row.data === 'object' && row.data !== null ? (row.data as Record<string, unknown>) : {}

function foldInputError(scope: FoldScope, row: Row): void {
  const known = scope.tool(row)
  const part = known ?? newPart(row)
  const { errorText, input } = dataOf(row)
  if (input !== undefined) part.input = scope.draft.opaque(input)
  settle(part, 'output-error', { errorText: typeof errorText === 'string' ? errorText : '' })
  const pushed = known ? undefined : scope.push(row, part)
  if (pushed) scope.addTool(row.transport[Header.messageId], pushed)
}

/** Moves a call on: what it said about an earlier outcome goes. */
function settle(part: ToolPart, state: string, outcome: Partial<ToolPart>): void {
  delete part.output
  delete part.errorText
  delete part.preliminary
  Object.assign(part, { state, ...outcome })
}

function foldOutput(scope: FoldScope, row: Row): void {
  scope.withTool(row, (part) => {
    const output = scope.draft.opaque(dataOf(row).output)
    settle(part, 'output-available', { output, ...(row.codec.preliminary === 'true' && { preliminary: true }) })
  })
}

const foldOutputError =
  (field: 'errorText' | 'message') =>
  (scope: FoldScope, row: Row): void => {
    const text = dataOf(row)[field]
    scope.withTool(row, (part) => settle(part, 'output-error', { errorText: typeof text === 'string' ? text : '' }))
  }

function foldDenial(scope: FoldScope, row: Row): void {
  scope.withTool(row, (part) =>
    settle(part, 'output-denied', { approval: { ...part.approval, id: part.approval?.id ?? '', approved: false } }),
  )
}

function foldApprovalRequest(scope: FoldScope, row: Row): void {
  scope.withTool(row, (part) => {
    part.state = 'approval-requested'
    part.approval = { id: row.codec.approvalId ?? '' }
  })
}

function foldApprovalAnswer(scope: FoldScope, row: Row): void {
  const approved = row.codec.approved === 'true'
  const { reason } = row.codec
  scope.withTool(row, (part) => {
    const approval = { id: part.approval?.id ?? '', approved, ...(reason !== undefined && { reason }) }
    if (approved) Object.assign(part, { state: 'approval-responded', approval })
    else settle(part, 'output-denied', { approval })
  })
}

const flag = (value: boolean | undefined): string | undefined => (value ? 'true' : undefined)

const inputHeaders = (chunk: ChunkOf<'tool-input-start' | 'tool-input-available' | 'tool-input-error'>) => ({
  toolCallId: chunk.toolCallId,
  toolName: chunk.toolName,
  dynamic: flag(chunk.dynamic),
  title: chunk.title,
  providerExecuted: flag(chunk.providerExecuted),
  providerMetadata: toHeader(chunk.providerMetadata),
})

function encodeStart(chunk: ChunkOf<'tool-input-start'>, open: OpenStreams): Operation[] {
  const codec = headers({ kind: 'tool-input', ...inputHeaders(chunk) })
  open.set(chunk.toolCallId, { codec, streamed: '' })
  return [{ op: 'open', streamId: chunk.toolCallId, codec }]
}

function encodeDelta(chunk: ChunkOf<'tool-input-delta'>, open: OpenStreams): Operation[] {
  const stream = open.get(chunk.toolCallId)
  if (!stream) return []
  stream.streamed += chunk.inputTextDelta
  return [{ op: 'append', streamId: chunk.toolCallId, data: chunk.inputTextDelta }]
}

/** Closes a streamed input; what the deltas did not bring of it is added. */
function encodeInput(chunk: ChunkOf<'tool-input-available'>, open: OpenStreams): Operation[] {
  const stream = open.get(chunk.toolCallId)
  if (!stream) {
    return [{ op: 'publish', codec: headers({ kind: 'tool-input', ...inputHeaders(chunk) }), data: chunk.input }]
  }
  open.delete(chunk.toolCallId)
  const whole = JSON.stringify(chunk.input) ?? ''
  const rest = whole.startsWith(stream.streamed) ? whole.slice(stream.streamed.length) : ''
  const { toolCallId, toolName, providerMetadata } = inputHeaders(chunk)
  const codec = { ...stream.codec, ...headers({ toolCallId, toolName, providerMetadata }) }
  return [{ op: 'close', streamId: chunk.toolCallId, codec, ...(rest !== '' && { data: rest }) }]
}

const publish = (kind: string, codec: Record<string, string | undefined>, data: unknown): Operation[] => [
  { op: 'publish', codec: headers({ kind, ...codec }), data },
]

/** Tool calls: their input, streamed or whole, approvals, and what came out. */
export const toolFamily: PartFamily = {
  fold: {
    'tool-input': foldInput,
    'tool-input-error': foldInputError,
    'tool-output-available': foldOutput,
    'tool-output-error': foldOutputError('errorText'),
    'tool-output-denied': foldDenial,
    'tool-approval-request': foldApprovalRequest,
    'tool-result': foldOutput,
    'tool-result-error': foldOutputError('message'),
    'tool-approval-response': foldApprovalAnswer,
  },
  encode: {
    'tool-input-start': encodeStart,
    'tool-input-delta': encodeDelta,
    'tool-input-available': encodeInput,
    'tool-input-error': (chunk) =>
      publish('tool-input-error', inputHeaders(chunk), { errorText: chunk.errorText, input: chunk.input }),
    'tool-output-available': ({ toolCallId, dynamic, providerExecuted, preliminary, output }) =>
      publish(
        'tool-output-available',
        {
          toolCallId,
          dynamic: flag(dynamic),
          providerExecuted: flag(providerExecuted),
          preliminary: flag(preliminary),
        },
        { output },
      ),
    'tool-output-error': ({ toolCallId, dynamic, providerExecuted, errorText }) =>
      publish(
        'tool-output-error',
        { toolCallId, dynamic: flag(dynamic), providerExecuted: flag(providerExecuted) },
        { errorText },
      ),
    'tool-output-denied': ({ toolCallId }) => publish('tool-output-denied', { toolCallId }, ''),
    'tool-approval-request': ({ toolCallId, approvalId }) =>
      publish('tool-approval-request', { toolCallId, approvalId }, ''),
  },
}

/** Follows a call whose input got longer. */
export const growTool = (part: ToolPart, row: Row, opaque: Opaque): void => readInput(part, row, opaque)
