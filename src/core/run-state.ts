import { ErrorCode } from './errors'
import type { Row } from './log'
import { Header, MessageName } from './wire'

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
  /** Client id of whoever works on it. */
  stepClientId: string
}

/** What a run's lifecycle messages add up to, whatever order they came in. */
export interface RunState {
  status: RunStatus
  error?: RunError
  start?: Row
  end?: Row
  steps: RunStep[]
}

/** Reads a run's state off its lifecycle and step rows, given in serial order. */
export function runState(rows: readonly Row[]): RunState {
  const start = rows.find((row) => row.name === MessageName.runStart)
  const end = rows.find((row) => row.name === MessageName.runEnd)
  const steps = stepsOf(rows)
  if (!end) return { status: isSuspended(rows, start) ? 'suspended' : 'active', start, steps }
  const reason = end.transport[Header.runReason]
  const status: RunEndReason = reason === 'cancelled' || reason === 'error' ? reason : 'complete'
  return { status, start, end, steps, ...(status === 'error' && { error: errorOf(end) }) }
}

/** A suspend counts only while no later invocation has re-entered the run. */
function isSuspended(rows: readonly Row[], start: Row | undefined): boolean {
  const resume = rows.findLast((row) => row.name === MessageName.runResume)
  const current = (resume ?? start)?.transport[Header.invocationId]
  return rows.some(
    (row) =>
      row.name === MessageName.runSuspend && (current === undefined || row.transport[Header.invocationId] === current),
  )
}

function errorOf(end: Row): RunError {
  const code = Number(end.transport[Header.errorCode] ?? ErrorCode.StreamFailed) || ErrorCode.StreamFailed
  return {
    code,
    message: end.transport[Header.errorMessage] ?? 'agent reported an error',
    statusCode: code >= 10_000 && code < 60_000 ? Math.floor(code / 100) : 500,
  }
}

function stepsOf(rows: readonly Row[]): RunStep[] {
  const steps = new Map<string, { step: RunStep; latest: string }>()
  // NOTE: rows are in serial order, and a serial has one row, so every step-start is a further attempt
  for (const row of rows) {
    const stepId = row.transport[Header.stepId]
    if (row.name !== MessageName.stepStart || stepId === undefined) continue
    const attemptCount = (steps.get(stepId)?.step.attemptCount ?? 0) + 1
    const stepClientId = row.transport[Header.stepClientId] ?? ''
    steps.set(stepId, { step: { stepId, status: 'active', attemptCount, stepClientId }, latest: row.serial })
  }
  for (const row of rows) {
    const known = row.name === MessageName.stepEnd ? steps.get(row.transport[Header.stepId] ?? '') : undefined
    if (known && isCanonical(row, known.latest)) known.step.status = endOf(row)
  }
  return Array.from(steps.values(), ({ step }) => step)
}

/** A step-end without a serial of its own attempt is taken to speak of the latest. */
const isCanonical = (row: Row, serial: string): boolean => (row.transport[Header.attempt] ?? serial) === serial

function endOf(row: Row): RunStep['status'] {
  const reason = row.transport[Header.stepReason]
  return reason === 'failed' || reason === 'cancelled' ? reason : 'complete'
}
