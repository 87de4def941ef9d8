import { noItems } from './collections'
import { ErrorCode } from './errors'
import type { Row } from './log'
import { Header, MessageName, type Headers } from './wire'

export type RunStatus = 'active' | 'suspended' | 'complete' | 'cancelled' | 'error'

/** How a run ended. */
export type RunEndReason = 'complete' | 'cancelled' | 'error'

/** Why a run failed, as its agent told. */
export interface RunError {
  /** {@link ErrorCode.StreamFailed} unless the agent gave one. */
  code: number
  message: string
  statusCode: number
}

/** A re-attemptable section of a run. */
export interface RunStep {
  /** The agent's name for it, the same in every attempt. */
  stepId: string
  /** How its newest attempt fares. */
  status: 'active' | 'complete' | 'failed' | 'cancelled'
  /** How often it has been tried, the first time included. */
  attemptCount: number
  /** Client id of the agent that works on it. */
  stepClientId: string
}

/** How a run stands, by its rows. */
export interface RunState {
  readonly status: RunStatus
  readonly error?: RunError
  readonly steps: readonly RunStep[]
}

/** The state of a run before any of its rows is known. */
export const initialRunState: RunState = { status: 'active', steps: noItems }

export const hasEnded = (status: RunStatus): status is RunEndReason => status !== 'active' && status !== 'suspended'

/** The state that an end brings. */
export function endState({ transport }: Row): Pick<RunState, 'status' | 'error'> {
  const reason = transport[Header.runReason]
  if (reason === 'error') return { status: reason, error: errorOf(transport) }
  return { status: reason === 'cancelled' ? reason : 'complete' }
}

function errorOf(end: Headers): RunError {
  const code = Number(end[Header.errorCode] ?? ErrorCode.StreamFailed) || ErrorCode.StreamFailed
  return {
    code,
    message: end[Header.errorMessage] ?? 'agent reported an error',
    statusCode: code >= 10_000 && code < 60_000 ? Math.floor(code / 100) : 500,
  }
}

/** Whether a row of a run is a message that a client sent into it; an answer to what the run asks for is none. */
export const isSteer = ({ name, transport }: Row): boolean =>
  name === MessageName.input && transport[Header.runId] !== undefined && transport[Header.discrete] === 'true'

/** The ids in a header that holds a JSON list. */
export function idsIn(stamp: string): readonly unknown[] {
  try {
    const ids: unknown = JSON.parse(stamp)
    return Array.isArray(ids) ? ids : []
  } catch {
    return []
  }
}

/** Whether a row is the start or a resume of a run. */
export const isEntry = ({ name }: { readonly name?: string }): boolean =>
  name === MessageName.runStart || name === MessageName.runResume
