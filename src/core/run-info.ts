import type { Answers } from './answers'
import { noItems } from './collections'
import type { SessionError } from './errors'
import type { Row } from './rows'
import type { RunFold } from './run-fold'
import { hasEnded, type RunError, type RunStatus, type RunStep, type RunState } from './run-state'
import type { Writable } from './view-message'
import { Header, noHeaders, type Headers } from './wire'

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
   * The agent has stopped responding: the run is active, silent for 20 seconds (5 after a cancel), and no present agent
   * names it. The text so far is kept. A cancel ends it; so does the next agent that is woken, once it has been stalled
   * for two minutes.
   */
  readonly stalled?: true
  /** The cancel that ended the run, when `status` is `cancelled`. */
  readonly cancelledBy?: Cancelling
  /** How it was stopped, when `status` is `cancelled` and a cancel ended it. */
  readonly stopped?: Stopped
  /** Milliseconds since the epoch, by Ably's clock; undefined until its start is known. */
  readonly startedAt?: number
  /** Milliseconds since the epoch, by Ably's clock; undefined until it has ended. */
  readonly endedAt?: number
}

/** Whether a run is being written, as far as is known: a stalled run is not. */
export const isRunning = ({ status, stalled }: Pick<RunInfo, 'status' | 'stalled'>): boolean =>
  status === 'active' && !stalled

/** Whether a cancel of a run is on its way to the agent, or has arrived and was not refused. */
export const isStopping = ({ cancelling }: Pick<RunInfo, 'cancelling'>): boolean =>
  cancelling !== undefined && !cancelling.refused && cancelling.wake?.state !== 'failed'

/** Whether the agent that works on a run says that its presence names its live runs. */
export const isNamedByPresence = ({ entry }: { readonly entry: Row | undefined }): boolean =>
  entry?.transport[Header.presence] === 'true'

/** Milliseconds of silence after which a run that no present agent names counts as stalled. */
export const silenceLimit = 20_000
/** The same for a cancelled run: if its agent is there after all, ending the run is what the user asked for. */
export const cancelledSilenceLimit = 5000
/** The same for a cancelled run whose agent does not use presence. */
export const foreignSilenceLimit = 60_000

/** What the rows of a run say about its cancels. */
type CancelFacts = Pick<RunFold, 'end' | 'refusals'>

/** What a run keeps while more of it may come. It is made anew for a run that changes after its rows were compacted. */
export class RunProgress {
  /**
   * The run as its rows describe it. Undefined until it is asked for, and after a row that is not the last by serial: all
   * rows are then read again.
   */
  fold: RunFold | undefined
  /** Whether rows have come since the last `derive()` that can change the state or the facts. */
  isNews = true
  answers: Answers | undefined
  /** The answers that its agent had gone on with when it was settled. */
  acted: readonly Row[] = noItems
  isEnding = false
  /** The newest version of its rows. */
  version = ''
  /** Whether its forks have not been read again since it changed. */
  isNewToForks = true
  /** Whether its snapshot has changed since the session has last asked. */
  hasNewInfo = true
  /** Whether its snapshot has to be made anew for the next reader. */
  isInfoStale = true
  cancelState: Partial<Cancelling> | undefined
  isStalled = false

  /** Whether something is new since the last call. */
  take(news: 'isNewToForks' | 'hasNewInfo'): boolean {
    const isNew = this[news]
    this[news] = false
    return isNew
  }
}

/** What a run's snapshot is made from. */
interface InfoSource {
  readonly key: string
  readonly fold: RunFold
  readonly state: RunState
  readonly inputId: string | undefined
  readonly parent: string | undefined
}

/** A run's snapshot. @param cancels - the cancels of the run that count, by serial */
export function infoOf(
  run: InfoSource,
  cancels: readonly Row[],
  { cancelState, isStalled }: Partial<Pick<RunProgress, 'cancelState' | 'isStalled'>> = {},
): RunInfo {
  const { fold } = run
  const info = withCancellation(factsOf(run, fold), cancels, fold, cancelState)
  return isStalled && info.status === 'active' ? { ...info, stalled: true } : info
}

/** The facts about a run with its cancels, given by serial. */
function withCancellation(
  facts: RunInfo,
  cancels: readonly Row[],
  outcome: CancelFacts,
  state: Partial<Cancelling> | undefined,
): RunInfo {
  const heeded = openCancel(cancels, outcome)
  const first = heeded ?? cancels[0]
  if (!first && !state) return facts
  // An own cancel without a row has all fields
  const request = (first ? requestOf(first) : state) as Cancelling
  const cancelling = { ...request, ...state, ...(first && !heeded && { refused: true as const }) }
  return {
    ...facts,
    ...(facts.endedAt === undefined && { cancelling }),
    ...(facts.status === 'cancelled' && heeded && endedBy(heeded, cancels, outcome.end?.transport ?? noHeaders)),
  }
}

/** What a cancel says about its sender. */
export function requestOf({ clientId, timestamp, transport }: Row): Cancelling {
  const device = transport[Header.device]
  return { by: clientId, at: timestamp, ...(device && { device }) }
}

/** Which cancel ended a run: the one that its end names, else the one that is heeded. */
function endedBy(heeded: Row, cancels: readonly Row[], end: Headers): Pick<RunInfo, 'cancelledBy' | 'stopped'> {
  const cancelledBy = requestOf(cancels.find(({ serial }) => serial === end[Header.cancelSerial]) ?? heeded)
  const { at, ...request } = cancelledBy
  const abortedAt = Number(end[Header.abortedAt])
  const tail = Number(end[Header.tail])
  const stopped = { ...request, requestedAt: at, ...(abortedAt > 0 && { abortedAt }), ...(tail >= 0 && { tail }) }
  return { cancelledBy, stopped }
}

/** The first cancel, by serial, that is not refused. */
export const openCancel = (cancels: readonly Row[], { refusals }: Pick<CancelFacts, 'refusals'>): Row | undefined =>
  refusals ? refusals.firstOpen(cancels) : cancels[0]

/** A run's snapshot without its cancels. */
type RunFacts = Omit<RunInfo, 'cancelling' | 'cancelledBy' | 'stopped' | 'stalled'>

function factsOf({ key: runId, inputId, parent: parentId, state }: InfoSource, fold: RunFold): RunFacts {
  const { start, end, steps } = fold
  const { status, error } = state
  const invocationId = fold.header(Header.invocationId) ?? ''
  const facts: Writable<RunFacts> = { runId, clientId: fold.shownOwner, invocationId, status, steps }
  if (inputId !== undefined) facts.inputId = inputId
  if (parentId !== undefined) facts.parentId = parentId
  if (error) facts.error = error
  if (start) facts.startedAt = start.timestamp
  if (end && hasEnded(status)) facts.endedAt = end.timestamp
  return facts
}
