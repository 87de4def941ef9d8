import { isPlainObject, parseJson, type PlainObject } from '../../core/collections'
import { isOpen, isStreamed } from '../../core/log'
import type { Row } from '../../core/rows'
import { Header, MessageName } from '../../core/wire'
import { messageIdOf, textOf, unpack, type Opaque } from './fields'
import type { FoldScope, Folds } from './fold-scope'
import { takesAnswer, type ToolPart } from './parts'

type MetadataField = 'callProviderMetadata' | 'resultProviderMetadata'

function newPart(row: Row, opaque: Opaque, metadata: MetadataField): ToolPart {
  const part: ToolPart = { type: '', toolCallId: row.codec.toolCallId ?? '', state: 'input-streaming' }
  describeCall(part, row, opaque, metadata)
  return part
}

/** Writes the fields of a row that describe the call itself; the end of a stream may hold more than its beginning. */
function describeCall(part: ToolPart, row: Row, opaque: Opaque, providerMetadata: MetadataField): void {
  const { toolName = '', dynamic } = row.codec
  const isDynamic = dynamic === 'true'
  part.type = isDynamic ? 'dynamic-tool' : `tool-${toolName}`
  if (isDynamic) part.toolName = toolName
  else delete part.toolName
  const names = ['title', 'toolMetadata', 'providerExecuted', 'providerMetadata']
  Object.assign(part, unpack(row.codec, opaque, names, { providerMetadata }))
}

/** Inputs that take the place of streamed ones and are too long for their headers, while the calls are folded. */
export const corrections = new WeakMap<Row, unknown>()

/** Brings a call in step with the row of its input. */
export function growTool(part: ToolPart, row: Row, opaque: Opaque): void {
  const isWhole = !isStreamed(row) || row.transport[Header.status] === 'complete'
  const input = corrections.has(row) ? corrections.get(row) : isWhole ? wholeInput(row) : partialInput(row)
  if (input !== undefined) part.input = opaque(input)
  if (!isOpen(row)) describeCall(part, row, opaque, 'callProviderMetadata')
  if (isWhole && part.state === 'input-streaming') part.state = 'input-available'
}

/** The input of a stream that has ended: the correction in its headers, else its text, parsed if that is JSON. */
function wholeInput(row: Row): unknown {
  if (!isStreamed(row)) return row.data
  const text = textOf(row)
  for (const json of [row.codec.input, text]) {
    const input = parseJson(json)
    if (input !== undefined) return input
  }
  return text === '' ? undefined : text
}

const brackets: Readonly<Record<string, string>> = { '{': '}', '[': ']', '"': '"' }

/** Longest text that is parsed while more of it is expected, in characters; a long one ends soon after it is whole. */
const maxPartial = 4_096

/** Input that is still streaming is shown once it is complete JSON. Only text that ends like JSON is parsed. */
function partialInput(row: Row): unknown {
  const text = textOf(row)
  if (text.length > maxPartial && isOpen(row)) return undefined
  const closing = brackets[text[0] ?? '']
  return closing !== undefined && text.endsWith(closing) ? parseJson(text) : undefined
}

function foldInput(scope: FoldScope, row: Row): object | undefined {
  scope.leadIn(row)
  corrections.delete(row)
  const { opaque } = scope.draft
  const part = newPart(row, opaque, 'callProviderMetadata')
  growTool(part, row, opaque)
  pushCall(scope, row, part)
  if (!isStreamed(row)) return undefined
  scope.inputs.set(part.toolCallId, row)
  return part
}

function pushCall(scope: FoldScope, row: Row, part: ToolPart): void {
  if (scope.push(row, part)) scope.addTool(messageIdOf(row), part)
}

function foldInputError(scope: FoldScope, row: Row): void {
  const { opaque } = scope.draft
  const known = scope.tool(row)
  const part = known ?? newPart(row, opaque, 'resultProviderMetadata')
  const input = fieldOf(row, 'input')
  if (input !== undefined) {
    part.input = opaque(input)
    // NOTE: a late append to the streamed input must not replace the input reported here
    const streamed = scope.inputs.get(part.toolCallId)
    if (streamed) streamed.part = undefined
  }
  settle(part, 'output-error', { errorText: textIn(row, 'errorText'), ...resultFields(scope, row) })
  if (!known) pushCall(scope, row, part)
}

const fieldOf = ({ data }: Row, field: string): unknown => (isPlainObject(data) ? data[field] : undefined)

function textIn(row: Row, field: string): string {
  const text = fieldOf(row, field)
  return typeof text === 'string' ? text : ''
}

const outcomeFields = ['output', 'errorText', 'preliminary'] as const

/** Moves a call to a state; the outcome that an earlier state had is dropped. */
// NOTE: what stays the same is not written, because each write looks for its observers
function settle(part: ToolPart, state: string, outcome: Partial<ToolPart> & PlainObject): void {
  const fields = part as ToolPart & PlainObject
  if (part.state !== state) part.state = state
  for (const field of outcomeFields) if (outcome[field] === undefined && field in part) delete part[field]
  for (const field in outcome) if (fields[field] !== outcome[field]) fields[field] = outcome[field]
}

/** Fields of a row that describe the outcome of a call. */
const resultFields = (scope: FoldScope, row: Row): Partial<ToolPart> =>
  scope.fields(row, ['providerExecuted', 'preliminary', 'providerMetadata'], {
    providerMetadata: 'resultProviderMetadata',
  })

/**
 * Changes the call that a row is about. An agent always has its way; of the answers to a call only the first counts, so
 * that everyone in the session and the agent see the same one.
 */
function change(scope: FoldScope, row: Row, apply: (part: ToolPart) => void): void {
  scope.changeTool(row, (part) => {
    if (row.name !== MessageName.input || takesAnswer(part, row.codec.kind)) apply(part)
  })
}

/** Folds an outcome: the output of a call, or its error text. */
const foldOutcome =
  (field: 'output' | 'errorText' | 'message') =>
  (scope: FoldScope, row: Row): void => {
    const isOutput = field === 'output'
    const outcome = isOutput ? { output: scope.draft.opaque(fieldOf(row, field)) } : { errorText: textIn(row, field) }
    change(scope, row, (part) =>
      settle(part, isOutput ? 'output-available' : 'output-error', { ...outcome, ...resultFields(scope, row) }),
    )
  }

function foldApprovalRequest(scope: FoldScope, row: Row): void {
  const fields = scope.fields(row, ['approvalDescriptor', 'reason', 'isAutomatic', 'signature'], {
    approvalDescriptor: 'descriptor',
    reason: 'requestReason',
  })
  change(scope, row, (part) => {
    const approval = { ...part.approval, id: row.codec.approvalId ?? '', ...fields }
    Object.assign(part, approval.approved === undefined ? { state: 'approval-requested', approval } : { approval })
  })
}

/** Folds an approval or a denial of a client, or the agent's confirmation of a denial. */
function foldApproval(scope: FoldScope, row: Row): void {
  const approved = row.codec.approved === 'true'
  change(scope, row, (part) => {
    const approval = { id: '', ...part.approval, approved, ...scope.fields(row, ['reason']) }
    settle(part, approved ? 'approval-responded' : 'output-denied', { approval })
  })
}

/** Tool calls: their input, streamed or whole, requests for approval and outcomes. */
export const foldTool: Folds = {
  'tool-input': foldInput,
  'tool-input-error': foldInputError,
  'tool-output-available': foldOutcome('output'),
  'tool-output-error': foldOutcome('errorText'),
  'tool-output-denied': foldApproval,
  'tool-approval-request': foldApprovalRequest,
}

/** Answers of clients to tool calls. */
export const foldAnswer: Folds = {
  'tool-result': foldOutcome('output'),
  'tool-result-error': foldOutcome('message'),
  'tool-approval-response': foldApproval,
}
