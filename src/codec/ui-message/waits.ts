import type { UIMessage } from 'ai'
import type { Answer } from '../../core/codec'
import { isToolType, type ToolPart } from './tool'

const outcomes: ReadonlySet<string | undefined> = new Set(['output-available', 'output-error', 'output-denied'])

/** Whether a call waits for the client once these answers are taken in: any of the reply, or the one that `next` is for. */
export function waits(reply: UIMessage, given: readonly Answer[], next?: Answer): boolean {
  const parts = reply.parts.filter(({ type }) => isToolType(type)) as ToolPart[]
  // What a provider runs itself waits for nobody
  const states = new Map(parts.map((part) => [part.toolCallId, part.providerExecuted ? '' : part.state]))
  for (const { codec } of given) states.set(codec.toolCallId ?? '', answered(codec.kind))
  if (!next) return [...states.values()].some((state) => open.has(state))
  const state = states.get(next.codec.toolCallId ?? '')
  return !outcomes.has(state) && !(state === 'approval-responded' && answered(next.codec.kind) === state)
}

const open: ReadonlySet<string> = new Set(['input-available', 'approval-requested'])

const answered = (kind: string | undefined): string =>
  kind === 'tool-approval-response' ? 'approval-responded' : 'output-available'
