import type { SessionError } from './errors'
import { type Row, isAgents } from './log'
import type { RunError, RunStatus, RunStep, RunState } from './run-state'
import { Header, MessageName } from './wire'

/** The state of waking the agent for one input or cancel. */
export interface WakeInfo {
  /**
   * `waiting` while the network is away, `retrying` until the next attempt; `failed` is final until `retry()`.
   */
  readonly state: 'waking' | 'waiting' | 'retrying' | 'accepted' | 'failed'
  /** Attempts made so far. */
  readonly attempts: number
  /** Why the last attempt failed. */
  readonly error?: SessionError
  /** Tries again now. */
  retry(): void
}

/** A cancel of a run. */
export interface Cancelling {
  /** Ably client id of the client that cancelled; undefined for anonymous clients. */
  readonly by: string | undefined
  /** When, in milliseconds since the epoch by Ably's clock. */
  readonly at: number
  /** The label of the device that cancelled, if it has one. */
  readonly device?: string
  /** Whether the agent has refused it, and every other there was: the run goes on. */
  readonly refused?: true
  /** The channel does not have it yet: it goes out when the network is back. */
  readonly pending?: true
  /** Nothing has come from the agent for 5 seconds since: it may be gone. */
  readonly unanswered?: true
  /** The state of waking an agent for the cancel, because no live agent can hear it. */
  readonly wake?: WakeInfo
}

/** How a cancel ended a run: the same on every device. */
export interface Stopped {
  /** Ably client id of the client that cancelled; undefined for anonymous clients. */
  readonly by: string | undefined
  /** The label of the device that cancelled, if it has one. */
  readonly device?: string
  /** When the channel had the cancel, in milliseconds since the epoch. */
  readonly requestedAt: number
  /** When the agent aborted its work, by the agent's clock; undefined for agents that do not tell. */
  readonly abortedAt?: number
  /**
   * How much of the reply, in UTF-16 units from its end, came behind the cancel; undefined for agents that do not tell.
   */
  readonly tail?: number
}

/** A snapshot of one run. */
export interface RunInfo {
  readonly runId: string
  /** The run's owner: the client whose prompt it answers; empty when unknown. */
  readonly clientId: string
  readonly status: RunStatus
  /** Present when `status` is `error`. */
  readonly error?: RunError
  /** The waking of the agent that started it. */
  readonly invocationId: string
  readonly steps: readonly RunStep[]
  /** The message id of the prompt it answers, if known. */
  readonly inputId?: string
  /** The message id that it follows: its prompt, also when it is another reply to that. */
  readonly parentId?: string
  /** Set from the first cancel until the run ends; `refused` when the agent refuses every cancel. */
  readonly cancelling?: Cancelling
  /**
   * The agent has stopped responding: the run is active, silent for 20 seconds (5 after a cancel), and no present agent names
   * it. The text so far is kept. A cancel ends it; so does the next agent that is woken, once it has been stalled for two minutes.
   */
  readonly stalled?: true
  /** The cancel that ended the run, when `status` is `cancelled`. */
  readonly cancelledBy?: Cancelling
  /** How it was stopped, when `status` is `cancelled` and a cancel ended it. */
  readonly stopped?: Stopped
  /** Milliseconds since the epoch, by Ably's clock; undefined until its start is known. */
  readonly startedAt?: number
  readonly endedAt?: number
}

/** Whether a run is being written, as far as is known: a stalled run is not. */
export const isRunning = ({ status, stalled }: Pick<RunInfo, 'status' | 'stalled'>): boolean =>
  status === 'active' && !stalled

/** The lifecycle rows of a run, by serial. */
interface Lifecycle {
  readonly lifecycleRows: readonly Row[]
}

/** Whether a row is the start or a resume of a run. */
export const isEntry = ({ name }: { readonly name?: string }): boolean =>
  name === MessageName.runStart || name === MessageName.runResume

/** The newest start or resume of a run. */
export const lastEntry = ({ lifecycleRows }: Lifecycle): Row | undefined => lifecycleRows.findLast(isEntry)

/** Whether the agent that works on a run says that its presence names its live runs. */
export const isNamedByPresence = (run: Lifecycle): boolean => lastEntry(run)?.transport[Header.presence] === 'true'

/** Milliseconds of silence after which a run that no present agent names counts as stalled. */
export const silenceLimit = 20_000
/** The same for a cancelled run: if its agent is there after all, ending the run is what the user asked for. */
export const cancelledSilenceLimit = 5000
/** The same for a cancelled run whose agent does not use presence. */
export const foreignSilenceLimit = 60_000

/** The facts about a run with its cancels, given by serial. */
export function withCancellation(
  facts: RunInfo,
  cancels: readonly Row[],
  lifecycle: readonly Row[],
  state: Partial<Cancelling> | undefined,
): RunInfo {
  const heeded = openCancel(cancels, lifecycle)
  const first = heeded ?? cancels[0]
  if (!first && !state) return facts
  // An own cancel without a row has all fields
  const request = (first ? requestOf(first) : state) as Cancelling
  const cancelling = { ...request, ...state, ...(first && !heeded && { refused: true as const }) }
  return {
    ...facts,
    ...(facts.endedAt === undefined && { cancelling }),
    ...(facts.status === 'cancelled' &&
      heeded && { cancelledBy: request, stopped: stoppedBy(heeded, cancels, lifecycle) }),
  }
}

/** What a cancel says about its sender. */
export function requestOf({ clientId, timestamp, transport }: Row): Cancelling {
  const device = transport[Header.device]
  return { by: clientId, at: timestamp, ...(device && { device }) }
}

function stoppedBy(heeded: Row, cancels: readonly Row[], lifecycle: readonly Row[]): Stopped {
  const end = lifecycle.findLast(({ name }) => name === MessageName.runEnd)?.transport ?? {}
  const { at, ...request } = requestOf(cancels.find(({ serial }) => serial === end[Header.cancelSerial]) ?? heeded)
  const abortedAt = Number(end[Header.abortedAt])
  const tail = Number(end[Header.tail])
  return { ...request, requestedAt: at, ...(abortedAt > 0 && { abortedAt }), ...(tail >= 0 && { tail }) }
}

/** The first cancel that is not refused. A refusal also covers earlier cancels by the same client. */
export function openCancel(cancels: readonly Row[], lifecycle: readonly Row[]): Row | undefined {
  const refusals = lifecycle.filter(({ name }) => name === MessageName.cancelRefused)
  if (refusals.length === 0) return cancels[0]
  const refused = new Set(refusals.map(({ transport }) => transport[Header.cancelSerial]))
  const covered = new Map<string | undefined, string>()
  for (const { serial, clientId } of cancels) if (refused.has(serial)) covered.set(clientId, serial)
  return cancels.find(({ serial, clientId }) => serial > (covered.get(clientId) ?? ''))
}

/** A run's snapshot without its cancels. */
export type RunFacts = Omit<RunInfo, 'cancelling' | 'cancelledBy' | 'stopped' | 'stalled'>

/** The rows that the facts about a run come from, in serial order: content, and lifecycle and step rows. */
export interface RunRows {
  readonly content: readonly Row[]
  readonly lifecycle: readonly Row[]
  readonly start: Row | undefined
  /** Undefined also while the end is held back. */
  readonly end: Row | undefined
}

/** Headers about the run as a whole: the start has them, else the first message that does. */
const decisive = [Header.owner, Header.inputClientId, Header.invocationId, Header.inputId, Header.regenerates]

/** Whether a row says something about its run as a whole that the start does not say. */
export const isDecisive = ({ transport }: Row, start: Row): boolean =>
  decisive.some((header) => transport[header] && !start.transport[header])

/** The agent's earliest message with such a header. */
export function holderOf(
  { content, lifecycle }: Pick<RunRows, 'content' | 'lifecycle'>,
  header: string,
  fits: (value: string | undefined) => unknown = Boolean,
): Row | undefined {
  const isIt = (row: Row): boolean => isAgents(row) && !!fits(row.transport[header])
  return lowest(lifecycle.find(isIt), content.find(isIt))
}

/** A header of the run as a whole: its start decides, else the agent's earliest message that has it. */
export const headerOf = (rows: RunRows, header: string): string | undefined =>
  rows.start?.transport[header] || holderOf(rows, header)?.transport[header]

/** Reads the facts about a run from its rows. */
export function readFacts(rows: RunRows, state: RunState, runId: string, parentId: string | undefined): RunFacts {
  const { status, error, steps } = state
  const { start, end } = rows
  const inputId = headerOf(rows, Header.inputId)
  // As Ably has verified it for the agent
  const owner = (start ?? holderOf(rows, Header.inputClientId))?.transport[Header.inputClientId]
  return {
    runId,
    clientId: owner || headerOf(rows, Header.owner) || inputOwner(rows) || '',
    invocationId: headerOf(rows, Header.invocationId) ?? '',
    status,
    steps,
    ...(inputId !== undefined && { inputId }),
    ...(parentId !== undefined && { parentId }),
    ...(error && { error }),
    ...(start && { startedAt: start.timestamp }),
    ...(end && { endedAt: end.timestamp }),
  }
}

/** The client of the first input in the run; it counts as the owner until the agent has published. */
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
