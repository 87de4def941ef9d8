import { isAgents, type Row } from './log'
import type { RunInfo } from './run-info'
import type { RunState } from './run-state'
import { Header, MessageName } from './wire'

/** What a run's snapshot says besides who asked to stop it. */
export type RunFacts = Omit<RunInfo, 'cancelling' | 'cancelledBy'>

/** What the facts about a run are read off: its content, and its lifecycle and step rows, in serial order. */
export interface RunRows {
  readonly content: readonly Row[]
  readonly lifecycle: readonly Row[]
}

/** What the start says about the run as a whole, or the first message that does. */
const decisive = [Header.owner, Header.inputClientId, Header.invocationId, Header.inputId, Header.regenerates]

/** Whether a row says something about its run as a whole that the start does not say. */
export const isDecisive = ({ transport }: Row, start: Row): boolean =>
  decisive.some((header) => transport[header] && !start.transport[header])

/** The agent's earliest message with such a header. */
export function holderOf(
  { content, lifecycle }: RunRows,
  header: string,
  fits: (value: string | undefined) => unknown = Boolean,
): Row | undefined {
  const isIt = (row: Row): boolean => isAgents(row) && !!fits(row.transport[header])
  return lowest(lifecycle.find(isIt), content.find(isIt))
}

/** A header of the run as a whole: its start decides, else the agent's earliest message that has it. */
export const headerOf = (rows: RunRows, { start }: RunState, header: string): string | undefined =>
  start?.transport[header] || holderOf(rows, header)?.transport[header]

/** What its rows say about a run. */
export function readFacts(rows: RunRows, state: RunState, runId: string, parentId: string | undefined): RunFacts {
  const { status, error, start, end, steps } = state
  const inputId = headerOf(rows, state, Header.inputId)
  // As Ably has verified it for the agent
  const owner = (start ?? holderOf(rows, Header.inputClientId))?.transport[Header.inputClientId]
  return {
    runId,
    clientId: owner || headerOf(rows, state, Header.owner) || inputOwner(rows) || '',
    invocationId: headerOf(rows, state, Header.invocationId) ?? '',
    status,
    steps,
    ...(inputId !== undefined && { inputId }),
    ...(parentId !== undefined && { parentId }),
    ...(error && { error }),
    ...(start && { startedAt: start.timestamp }),
    ...(end && { endedAt: end.timestamp }),
  }
}

/** Whoever put something into the run; the owner only while its agent has said nothing. */
function inputOwner({ content }: RunRows): string | undefined {
  const first = content.find(isInput)
  return first && (first.clientId ?? first.transport[Header.owner])
}

/**
 * Until the start is known, the parent of the first output that does not point into this run itself (outputs of a resumed
 * run do).
 */
export function provisionalParent({ content }: RunRows): string | undefined {
  const own = new Set(content.map((row) => row.transport[Header.messageId]))
  const pointsOut = ({ name, transport }: Row): boolean =>
    name === MessageName.output && transport[Header.parent] !== undefined && !own.has(transport[Header.parent])
  return content.find(pointsOut)?.transport[Header.parent]
}

/** Whether a client put a row into its run. */
export const isInput = ({ name }: Row): boolean => name === MessageName.input

/** The one with the lowest serial. */
export const lowest = (...rows: (Row | undefined)[]): Row | undefined =>
  rows.reduce((low, row) => (row && (!low || row.serial < low.serial) ? row : low), undefined)
