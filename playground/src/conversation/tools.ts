import type { ToolPart } from './types'

/** The status of a tool call, as its card shows it. */
export type ToolStatus = 'writing' | 'running' | 'asking' | 'approved' | 'done' | 'denied' | 'failed' | 'stopped'

export const toolWords: Record<ToolStatus, string> = {
  writing: 'Preparing',
  running: 'Running',
  asking: 'Needs approval',
  approved: 'Approved',
  done: 'Done',
  denied: 'Denied',
  failed: 'Failed',
  stopped: 'Stopped',
}

const statuses: Record<string, ToolStatus> = {
  'input-streaming': 'writing',
  'input-available': 'running',
  'approval-requested': 'asking',
  'approval-responded': 'approved',
  'output-available': 'done',
  'output-denied': 'denied',
  'output-error': 'failed',
}

const settled: readonly ToolStatus[] = ['done', 'denied', 'failed']

/** @param isOver - whether the run has ended, so that an open call counts as stopped */
export function toolStatusOf({ state, preliminary, approval }: ToolPart, isOver: boolean): ToolStatus {
  const status = approval?.approved === false ? 'denied' : (statuses[state] ?? 'running')
  if (isOver && !settled.includes(status)) return 'stopped'
  return status === 'done' && preliminary ? 'running' : status
}

/** The display name of a tool: `book_table` is "Book table". */
export function toolNameOf({ type, toolName, title }: ToolPart): string {
  const words = (title ?? toolName ?? type.replace(/^tool-/, '')).replace(/[_-]+/g, ' ').trim() || 'tool'
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The input or output of a tool as rows; empty if it is not a flat object. */
export function rowsOf(value: unknown): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const entries = Object.entries(value)
  if (entries.some(([, each]) => typeof each === 'object' && each !== null)) return []
  return entries.map(([name, each]) => [name.replace(/[_-]+/g, ' '), String(each)])
}

const longest = 4000

/** A value as text, shortened if it is too long to read. */
export function textOfValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
