import type { UIMessage } from 'ai'
import type { Answer, Seed } from '../../core/codec'
import { isPlainObject } from '../../core/collections'
import { headers, type Headers } from '../../core/wire'
import { clipped } from './fields'
import { isToolType, takesAnswer, type ToolPart } from './parts'
import type { Approval } from './tool-call'

const answer = (kind: string, codec: Record<string, string | undefined>, data: unknown): Answer => ({
  type: 'answer',
  codec: headers({ kind, ...codec }),
  data,
})

export const createToolOutputError = ({ toolCallId, errorText }: { toolCallId: string; errorText: string }): Answer =>
  answer('tool-result-error', { toolCallId }, { message: errorText })

// NOTE: apps without types give the AI SDK's form of an error, too
export const createToolOutput = (given: { toolCallId: string; output: unknown; errorText?: string }): Answer =>
  given.errorText !== undefined && given.output === undefined
    ? createToolOutputError(given as typeof given & { errorText: string })
    : answer('tool-result', { toolCallId: given.toolCallId }, { output: given.output })

export const createToolApproval = ({ toolCallId, approved, reason }: Approval & { toolCallId: string }): Answer =>
  answer('tool-approval-response', { toolCallId, approved: String(approved), reason: reason && clipped(reason) }, '')

/** Adds messages to an answer. An approval has no room for them: it can only continue the run that asked. */
export const seeded = (given: Answer, seeds: readonly Seed<UIMessage>[]): Answer =>
  isPlainObject(given.data) ? { ...given, data: { ...given.data, forkSeed: { messages: seeds.map(toEntry) } } } : given

const toEntry = ({ messageId, message }: Seed<UIMessage>): object => ({ codecMessageId: messageId, message })

/** Whether a reply waits for an answer after the given ones: for any answer, or for `next`. */
export function waits(reply: UIMessage, given: readonly Answer[], next?: Answer): boolean {
  const calls = reply.parts.filter(({ type }) => isToolType(type)) as ToolPart[]
  if (next) return takes(calls, given, next)
  const answered = new Set(given.map(({ codec }) => codec.toolCallId))
  return calls.some((part) => isOpen(part) && !answered.has(part.toolCallId))
}

/** Whether a reply has the call of an answer. An approval needs a request for it, unless the call has its outcome. */
export function asks(reply: UIMessage, { codec: { toolCallId, kind } }: Answer): boolean {
  const call = reply.parts.find((part) => 'toolCallId' in part && part.toolCallId === toolCallId) as
    ToolPart | undefined
  // NOTE: an approval that arrived without a request for it has no id
  const isRequested = call?.state === 'approval-requested' || !!call?.approval?.id
  return !!call && (kind !== approvalKind || isRequested || call.state.startsWith('output-'))
}

function takes(calls: readonly ToolPart[], given: readonly Answer[], { codec }: Answer): boolean {
  const call = calls.find(({ toolCallId }) => toolCallId === codec.toolCallId)
  return (!call || takesAnswer(call, codec.kind)) && !given.some((earlier) => settles(earlier.codec, codec))
}

// NOTE: a provider runs its own tools, so such a call waits only for approval
const isOpen = ({ state, providerExecuted }: ToolPart): boolean =>
  state === 'approval-requested' || (state === 'input-available' && !providerExecuted)

/** How an earlier answer settles the call of a later one; undefined if the later one still counts. */
export function settles(earlier: Headers, later: Headers): string | undefined {
  if (earlier.toolCallId !== later.toolCallId) return undefined
  if (earlier.kind !== approvalKind) return earlier.kind === 'tool-result' ? 'output' : 'error'
  if (earlier.approved !== 'true') return 'denied'
  return later.kind === approvalKind ? 'approved' : undefined
}

const approvalKind = 'tool-approval-response'
