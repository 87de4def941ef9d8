import { isOpen, isStreamed, type Row } from '../../core/log'
import { isPlainObject, type PlainObject } from '../../core/collections'
import { Header } from '../../core/wire'
import { parseJson } from '../json'
import { textOf, type Folds, type FoldScope, type Opaque } from './family'
import { unpack } from './fields'

/** A tool call as it stands: the fields that the AI SDK's tool parts share. */
export interface ToolPart {
  type: string
  toolName?: string
  toolCallId: string
  title?: string
  toolMetadata?: object
  providerExecuted?: boolean
  callProviderMetadata?: object
  resultProviderMetadata?: object
  state: string
  input?: unknown
  output?: unknown
  errorText?: string
  preliminary?: boolean
  approval?: Approval
}

interface Approval {
  id: string
  /** What it is about. */
  descriptor?: unknown
  requestReason?: string
  isAutomatic?: boolean
  signature?: string
  approved?: boolean
  reason?: string
}

export const isToolType = (type: string): boolean => type === 'dynamic-tool' || type.startsWith('tool-')

/** Whether a call waits for its input, so that its input may still change what it says about itself. */
const awaitsInput = (part: ToolPart): boolean => part.state === 'input-streaming' || part.state === 'input-available'

function newPart(row: Row, opaque: Opaque, metadata: MetadataField): ToolPart {
  const part: ToolPart = { type: '', toolCallId: row.codec.toolCallId ?? '', state: 'input-streaming' }
  describe(part, row, opaque, metadata)
  return part
}

type MetadataField = 'callProviderMetadata' | 'resultProviderMetadata'

/** Lays what a row says about the call as such over what is known; how a stream ends may say more than how it began. */
function describe(part: ToolPart, row: Row, opaque: Opaque, providerMetadata: MetadataField): void {
  const { toolName = '', dynamic } = row.codec
  if (dynamic === 'true') {
    part.type = 'dynamic-tool'
    part.toolName = toolName
  } else {
    part.type = `tool-${toolName}`
    delete part.toolName
  }
  const names = ['title', 'toolMetadata', 'providerExecuted', 'providerMetadata']
  Object.assign(part, unpack(row.codec, opaque, names, { providerMetadata }))
}

/** Gives a call its input, as far as the row has it. */
function readInput(part: ToolPart, row: Row, opaque: Opaque): void {
  const isWhole = !isStreamed(row) || row.transport[Header.status] === 'complete'
  const input = isWhole ? wholeInput(row) : partialInput(row)
  if (input !== undefined) part.input = opaque(input)
  if (!isOpen(row)) describe(part, row, opaque, 'callProviderMetadata')
  if (isWhole && awaitsInput(part)) part.state = 'input-available'
}

/** What the input is in the end: as corrected at the end of the stream, as streamed, or text that is no JSON. */
function wholeInput(row: Row): unknown {
  if (!isStreamed(row)) return row.data
  const text = textOf(row)
  for (const json of [row.codec.input, text]) {
    const input = parseJson(json)
    if (input !== undefined) return input
  }
  return text === '' ? undefined : text
}

const brackets: Record<string, string> = { '{': '}', '[': ']', '"': '"' }

/** Longest text that is parsed while more of it is expected, in characters; a long one ends soon after it is whole. */
const maxPartial = 4_096

/** Input that is still streaming counts once it is complete JSON; only text that may be is parsed. */
function partialInput(row: Row): unknown {
  const text = textOf(row)
  if (text.length > maxPartial && isOpen(row)) return undefined
  const closing = brackets[text[0] ?? '']
  return closing !== undefined && text.endsWith(closing) ? parseJson(text) : undefined
}

function foldInput(scope: FoldScope, row: Row): object | undefined {
  scope.leadIn(row)
  const part = newPart(row, scope.draft.opaque, 'callProviderMetadata')
  readInput(part, row, scope.draft.opaque)
  const pushed = scope.push(row, part)
  if (pushed) scope.addTool(row.transport[Header.messageId], pushed)
  if (!isStreamed(row)) return undefined
  scope.inputs.set(part.toolCallId, row)
  return pushed
}

const dataOf = ({ data }: Row): PlainObject => (isPlainObject(data) ? data : {})

const textIn = (row: Row, field: string): string => {
  const text = dataOf(row)[field]
  return typeof text === 'string' ? text : ''
}

function foldInputError(scope: FoldScope, row: Row): void {
  const known = scope.tool(row)
  const part = known ?? newPart(row, scope.draft.opaque, 'resultProviderMetadata')
  correctInput(scope, part, dataOf(row).input)
  settle(part, 'output-error', { errorText: textIn(row, 'errorText'), ...outcomeOf(scope, row) })
  const pushed = known ? undefined : scope.push(row, part)
  if (pushed) scope.addTool(row.transport[Header.messageId], pushed)
}

function correctInput(scope: FoldScope, part: ToolPart, input: unknown): void {
  if (input === undefined) return
  part.input = scope.draft.opaque(input)
  // NOTE: what is still to come of its stream, whose end may have been overtaken, must not take its place
  const streamed = scope.inputs.get(part.toolCallId)
  if (streamed) streamed.part = undefined
}

/** Moves a call on: what it said about an earlier outcome goes. What stays the same wakes no observer. */
function settle(part: ToolPart, state: string, outcome: Partial<ToolPart>): void {
  const next: PlainObject = { ...noOutcome, ...outcome, state }
  const known = part as ToolPart & PlainObject
  for (const field in next) {
    if (known[field] === next[field]) continue
    if (next[field] === undefined) delete known[field]
    else known[field] = next[field]
  }
}

const noOutcome = { output: undefined, errorText: undefined, preliminary: undefined }

/** What a row says about an outcome besides the outcome itself. */
const outcomeOf = (scope: FoldScope, row: Row): Partial<ToolPart> =>
  scope.fields(row, ['providerExecuted', 'preliminary', 'providerMetadata'], {
    providerMetadata: 'resultProviderMetadata',
  })

function foldOutput(scope: FoldScope, row: Row): void {
  const output = scope.draft.opaque(dataOf(row).output)
  scope.withTool(row, (part) => settle(part, 'output-available', { output, ...outcomeOf(scope, row) }))
}

const foldOutputError =
  (field: 'errorText' | 'message') =>
  (scope: FoldScope, row: Row): void =>
    scope.withTool(row, (part) =>
      settle(part, 'output-error', { errorText: textIn(row, field), ...outcomeOf(scope, row) }),
    )

function foldDenial(scope: FoldScope, row: Row): void {
  scope.withTool(row, (part) =>
    settle(part, 'output-denied', { approval: { ...part.approval, id: part.approval?.id ?? '', approved: false } }),
  )
}

function foldApprovalRequest(scope: FoldScope, row: Row): void {
  const fields = scope.fields(row, ['approvalDescriptor', 'reason', 'isAutomatic', 'signature'], {
    approvalDescriptor: 'descriptor',
    reason: 'requestReason',
  })
  const approval = { id: row.codec.approvalId ?? '', ...fields }
  scope.withTool(row, (part) => Object.assign(part, { state: 'approval-requested', approval }))
}

function foldApprovalAnswer(scope: FoldScope, row: Row): void {
  const approved = row.codec.approved === 'true'
  scope.withTool(row, (part) => {
    // NOTE: somebody who answers after the call has run must not take its outcome back
    if (part.state === 'output-available' || part.state === 'output-error') return
    const { reason: _, ...asked } = part.approval ?? { id: '' }
    const approval = { ...asked, approved, ...scope.fields(row, ['reason']) }
    settle(part, approved ? 'approval-responded' : 'output-denied', { approval })
  })
}

/** Tool calls: their input, streamed or whole, approvals, and what came out. */
export const foldTool: Folds = {
  'tool-input': foldInput,
  'tool-input-error': foldInputError,
  'tool-output-available': foldOutput,
  'tool-output-error': foldOutputError('errorText'),
  'tool-output-denied': foldDenial,
  'tool-approval-request': foldApprovalRequest,
  'tool-result': foldOutput,
  'tool-result-error': foldOutputError('message'),
  'tool-approval-response': foldApprovalAnswer,
}

/** Follows a call whose input got longer. */
export const growTool = readInput
