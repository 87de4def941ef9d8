import type { UIDataTypes, UIMessage, UITools } from 'ai'
import type { Answer, Seed } from '../../core/codec'
import { headers } from '../../core/wire'
import { isPlainObject } from '../../core/collections'

type ToolsOf<M extends UIMessage> = M extends UIMessage<unknown, UIDataTypes, infer Tools> ? Tools : UITools

/** What came out of a call that ran at the client. With `tool`, the output has the type that the app's messages give it. */
export type ToolOutput<M extends UIMessage> =
  | {
      [Name in keyof ToolsOf<M> & string]: { tool: Name; toolCallId: string; output: ToolsOf<M>[Name]['output'] }
    }[keyof ToolsOf<M> & string]
  | { tool?: undefined; toolCallId: string; output: unknown }

/** Why a call that ran at the client came to nothing. */
export interface ToolOutputError<M extends UIMessage> {
  tool?: keyof ToolsOf<M> & string
  toolCallId: string
  errorText: string
}

/** What a person says to a call that asked for approval. */
export interface ToolApproval {
  toolCallId: string
  approved: boolean
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

/** Approvals have no room for messages: they can only continue the run that asked. */
export const seeded = (given: Answer, seeds: readonly Seed<UIMessage>[]): Answer =>
  isPlainObject(given.data) ? { ...given, data: { ...given.data, forkSeed: { messages: seeds.map(toEntry) } } } : given

const toEntry = ({ messageId, message }: Seed<UIMessage>): object => ({ codecMessageId: messageId, message })
