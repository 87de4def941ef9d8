import type { UIDataTypes, UIMessage, UITools } from 'ai'
import type { Answer, Seed } from '../../core/codec'
import { isPlainObject } from '../../core/collections'
import { headers } from '../../core/wire'
import { isToolType, type ToolPart } from './parts'

type ToolsOf<M extends UIMessage> = M extends UIMessage<unknown, UIDataTypes, infer Tools> ? Tools : UITools

/** The output of a tool call that ran on the client. With `tool`, the output has the type of that tool in your messages. */
export type ToolOutput<M extends UIMessage> =
  | {
      [Name in keyof ToolsOf<M> & string]: { tool: Name; toolCallId: string; output: ToolsOf<M>[Name]['output'] }
    }[keyof ToolsOf<M> & string]
  | { tool?: undefined; toolCallId: string; output: unknown }

/** The error of a tool call that failed on the client. */
export interface ToolOutputError<M extends UIMessage> {
  tool?: keyof ToolsOf<M> & string
  toolCallId: string
  errorText: string
}

/** The user's decision on a tool call that needs approval. */
export interface ToolApproval {
  toolCallId: string
  approved: boolean
  /** Shown to everyone in the session and to the model. */
  reason?: string
}

const answer = (kind: string, codec: Record<string, string | undefined>, data: unknown): Answer => ({
  type: 'answer',
  codec: headers({ kind, ...codec }),
  data,
})

export const createToolOutput = ({ toolCallId, output }: { toolCallId: string; output: unknown }): Answer =>
  answer('tool-result', { toolCallId }, { output })

export const createToolOutputError = ({ toolCallId, errorText }: { toolCallId: string; errorText: string }): Answer =>
  answer('tool-result-error', { toolCallId }, { message: errorText })

export const createToolApproval = ({ toolCallId, approved, reason }: ToolApproval): Answer =>
  answer('tool-approval-response', { toolCallId, approved: String(approved), reason }, '')

/** Adds messages to an answer. An approval has no room for them: it can only continue the run that asked. */
export const seeded = (given: Answer, seeds: readonly Seed<UIMessage>[]): Answer =>
  isPlainObject(given.data) ? { ...given, data: { ...given.data, forkSeed: { messages: seeds.map(toEntry) } } } : given

const toEntry = ({ messageId, message }: Seed<UIMessage>): object => ({ codecMessageId: messageId, message })

/** Whether a reply waits for an answer after the given ones: for any answer, or for `next`. */
export function waits(reply: UIMessage, given: readonly Answer[], next?: Answer): boolean {
  const states = new Map<string | undefined, string>()
  for (const part of reply.parts as ToolPart[]) {
    // The provider runs its own tools
    if (isToolType(part.type)) states.set(part.toolCallId, part.providerExecuted ? '' : part.state)
  }
  for (const { codec } of given) states.set(codec.toolCallId, stateAfter(codec.kind))
  if (!next) return [...states.values()].some((state) => open.has(state))
  const state = states.get(next.codec.toolCallId)
  return !state?.startsWith('output') && !(state === 'approval-responded' && state === stateAfter(next.codec.kind))
}

const open = new Set(['input-available', 'approval-requested'])

const stateAfter = (kind: string | undefined): string =>
  kind === 'tool-approval-response' ? 'approval-responded' : 'output-available'
