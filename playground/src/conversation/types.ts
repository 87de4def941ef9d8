import type { UIMessage } from 'ai'
import type { ViewMessage } from 'vue-ai-transport'

/** A message as a view shows it. */
export type Message = ViewMessage<UIMessage>

export type Part = UIMessage['parts'][number]

type PartOf<T extends Part['type']> = Extract<Part, { type: T }>

export type TextPart = PartOf<'text'>
export type ReasoningPart = PartOf<'reasoning'>
export type FilePart = PartOf<'file'>
export type SourcePart = PartOf<'source-url' | 'source-document'>

/** A tool call in any state, as a card reads it. */
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

/** Whether a part is a tool call. The AI SDK has the same test, which a browser need not load all of it for. */
export const isToolPart = (part: Part): part is ToolUIPart =>
  part.type === 'dynamic-tool' || part.type.startsWith('tool-')

/** Whether a message was sent into a running answer. */
export const isSteer = ({ steer }: Message): boolean => steer !== undefined

/** A yes or a no to a tool call. */
export interface Approval {
  readonly toolCallId: string
  readonly approved: boolean
  readonly reason?: string
}
