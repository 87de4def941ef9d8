import type { UIMessage } from 'ai'
import type { ViewMessage } from 'vue-ai-transport'

/** A message of a view. */
export type Message = ViewMessage<UIMessage>

export type Part = UIMessage['parts'][number]

type PartOf<T extends Part['type']> = Extract<Part, { type: T }>

export type TextPart = PartOf<'text'>
export type ReasoningPart = PartOf<'reasoning'>
export type FilePart = PartOf<'file'>
export type SourcePart = PartOf<'source-url' | 'source-document'>

/** A tool call in any state. */
export interface ToolPart {
  readonly type: string
  readonly toolName?: string
  readonly toolCallId: string
  readonly title?: string
  readonly state: string
  readonly input?: unknown
  readonly output?: unknown
  readonly errorText?: string
  readonly preliminary?: boolean
  readonly approval?: { readonly id: string; readonly approved?: boolean; readonly reason?: string }
}

type ToolUIPart = PartOf<`tool-${string}` | 'dynamic-tool'>

/** Whether a part is a tool call. The AI SDK has the same check, but importing it would load more of the SDK. */
export const isToolPart = (part: Part): part is ToolUIPart =>
  part.type === 'dynamic-tool' || part.type.startsWith('tool-')

/** Whether a message is a steer. */
export const isSteer = ({ steer }: Message): boolean => steer !== undefined

/** The answer to an approval request. */
export interface Approval {
  readonly toolCallId: string
  readonly approved: boolean
  readonly reason?: string
}
