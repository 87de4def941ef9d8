import { ErrorCode } from './errors'
import { SmallMap } from './collections'
import type { Row } from './log'
import { Header, MessageName, isClients } from './wire'
import type { SteerState } from './view-message'
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

/** The state that a run's lifecycle messages add up to, in any order of arrival. */
export interface RunState {
  status: RunStatus
  error?: RunError
  steps: RunStep[]
  /** The serial of the newest attempt of each step. */
  attempts: SmallMap<string>
}

/** The state of a run before any of its rows is known. */
export const initialRunState: RunState = { status: 'active', steps: [], attempts: new SmallMap() }

/** The serial of the newest attempt of each step. */
interface Attempts {
  readonly attempts: { get(stepId: string): string | undefined }
}

/** Whether a row is of the newest attempt of its step, as far as is known: what others wrote does not show. */
export function isCanonical({ transport }: Row, { attempts }: Attempts): boolean {
  const attempt = transport[Header.attempt]
  return attempt === undefined || (attempts.get(transport[Header.stepId] ?? '') ?? attempt) === attempt
}

/** The first start or end of a run, of its lifecycle rows. */
export const firstOf = (
  rows: readonly Row[],
  name: typeof MessageName.runStart | typeof MessageName.runEnd,
): Row | undefined => rows.find((row) => row.name === name)

/** Reads a run's state off its lifecycle and step rows, given in serial order, and its end, if that counts. */
export function runState(rows: readonly Row[], end: Row | undefined): RunState {
  const known = stepsOf(rows)
  if (!end) return { status: isSuspended(rows) ? 'suspended' : 'active', ...known }
  const reason = end.transport[Header.runReason]
  const status: RunEndReason = reason === 'cancelled' || reason === 'error' ? reason : 'complete'
  return { status, ...known, ...(status === 'error' && { error: errorOf(end) }) }
}

/** A suspend counts only while no later invocation has re-entered the run. */
function isSuspended(rows: readonly Row[]): boolean {
  const resume = rows.findLast((row) => row.name === MessageName.runResume)
  const current = (resume ?? firstOf(rows, MessageName.runStart))?.transport[Header.invocationId]
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

function stepsOf(rows: readonly Row[]): Pick<RunState, 'steps' | 'attempts'> {
  const steps = new Map<string, RunStep>()
  const attempts = new SmallMap<string>()
  // NOTE: rows are in serial order, and a serial has one row, so every step-start is a further attempt
  for (const { name, serial, transport } of rows) {
    const stepId = transport[Header.stepId]
    if (name !== MessageName.stepStart || stepId === undefined) continue
    const attemptCount = (steps.get(stepId)?.attemptCount ?? 0) + 1
    steps.set(stepId, { stepId, status: 'active', attemptCount, stepClientId: transport[Header.stepClientId] ?? '' })
    attempts.set(stepId, serial)
  }
  for (const row of rows) {
    const step = row.name === MessageName.stepEnd && steps.get(row.transport[Header.stepId] ?? '')
    // NOTE: one without a serial of its own attempt is taken to speak of the latest
    if (step && isCanonical(row, { attempts })) step.status = endOf(row)
  }
  return { steps: [...steps.values()], attempts }
}

function endOf(row: Row): RunStep['status'] {
  const reason = row.transport[Header.stepReason]
  return reason === 'failed' || reason === 'cancelled' ? reason : 'complete'
}

export const noSteers: ReadonlyMap<string, SteerState> = new Map()

/** Whether a row of a run is a message that a client sent into it; an answer to what the run asks for is none. */
export const isSteer = ({ name, transport }: Row): boolean =>
  name === MessageName.input && transport[Header.runId] !== undefined && transport[Header.discrete] === 'true'

const isSaidByAgent = ({ name }: Row): boolean => !isClients(name)

/** How the messages sent into a run fare, by message id; one that woke the agent again is a prompt of its own. */
export function readSteers(
  rows: readonly Row[],
  lifecycle: readonly Row[],
  hasEnded: boolean,
): ReadonlyMap<string, SteerState> {
  const steers = rows.filter(isSteer)
  if (steers.length === 0) return noSteers
  const triggers = new Set(lifecycle.filter(isSaidByAgent).map(({ transport }) => transport[Header.inputId]))
  const consumed = consumedIn(rows)
  const states = new Map<string, SteerState>()
  for (const { transport } of steers) {
    const id = transport[Header.messageId]
    if (id === undefined || triggers.has(id)) continue
    states.set(id, consumed.has(id) ? 'consumed' : hasEnded ? 'missed' : 'waiting')
  }
  return states
}

/** Every message id that an output says it has taken up. */
function consumedIn(rows: readonly Row[]): ReadonlySet<unknown> {
  const stamps = new Set(rows.filter(isSaidByAgent).map((row) => row.transport[Header.steers]))
  return new Set([...stamps].flatMap((stamp) => (stamp === undefined ? [] : idsIn(stamp))))
}

/** The ids in a header that holds a JSON list. */
export function idsIn(stamp: string): readonly unknown[] {
  try {
    const ids: unknown = JSON.parse(stamp)
    return Array.isArray(ids) ? ids : []
  } catch {
    return []
  }
}
