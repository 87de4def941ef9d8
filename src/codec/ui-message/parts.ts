import type { UIMessage } from 'ai'

export type Part = UIMessage['parts'][number]

/** A `data-*` part of any name. */
export interface DataPart {
  type: `data-${string}`
  id?: string
  data: unknown
}

/** A tool call: the fields that the AI SDK's tool parts share. */
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
  /** Describes the action to approve. */
  descriptor?: unknown
  requestReason?: string
  isAutomatic?: boolean
  signature?: string
  approved?: boolean
  reason?: string
}

export const isToolType = (type: string): boolean => type === 'dynamic-tool' || type.startsWith('tool-')

export const isDataType = (type: string): type is DataPart['type'] => type.startsWith('data-')

/** Whether a call still takes an answer of this kind. */
export function takesAnswer({ state, preliminary, approval }: ToolPart, kind: string | undefined): boolean {
  const hasOutcome = state.startsWith('output-')
  return kind === 'tool-approval-response'
    ? !hasOutcome && approval?.approved === undefined
    : !hasOutcome || !!preliminary
}
