import type { UIDataTypes, UIMessage, UITools } from 'ai'

type ToolsOf<M extends UIMessage> = M extends UIMessage<unknown, UIDataTypes, infer Tools> ? Tools : UITools
type ToolName<M extends UIMessage> = keyof ToolsOf<M> & string

/** A call of one tool: by the tool's name, or the part of the call, as in `{ ...part, output }`. */
type CallOf<Name extends string, Input> =
  { tool: Name; toolCallId: string } | { type: `tool-${Name}`; toolCallId: string; input?: Input }

/** A call without its tool, or of a dynamic tool, which no message type declares. */
type UntypedCall = { tool?: undefined; type?: 'dynamic-tool'; toolCallId: string }

type ToolCall<M extends UIMessage> =
  { [Name in ToolName<M>]: CallOf<Name, ToolsOf<M>[Name]['input']> }[ToolName<M>] | UntypedCall

/** The output of a tool call that ran on the client. It has the type of the tool that the call names. */
export type ToolOutput<M extends UIMessage> =
  | {
      [Name in ToolName<M>]: CallOf<Name, ToolsOf<M>[Name]['input']> & { output: ToolsOf<M>[Name]['output'] }
    }[ToolName<M>]
  | (UntypedCall & { output: unknown })

/** The error of a tool call that failed on the client. */
export type ToolOutputError<M extends UIMessage> = ToolCall<M> & { errorText: string }

/** The user's decision on a tool call that needs approval. */
export type ToolApproval<M extends UIMessage = UIMessage> = ToolCall<M> & Approval

export interface Approval {
  approved: boolean
  /** Shown to everyone in the session and to the model. */
  reason?: string
}
