import { parseJson, reuseIfSame, type SmallMap } from './collections'
import { ErrorCode } from './errors'
import type { Row } from './rows'
import type { SteerState } from './view-message'
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
}

/** The states that say nothing else; all runs share them. */
export const plainStates = {
  active: { status: 'active' },
  suspended: { status: 'suspended' },
  cancelled: { status: 'cancelled' },
  complete: { status: 'complete' },
} as const satisfies Record<string, RunState>

export const hasEnded = (status: RunStatus): status is RunEndReason => status !== 'active' && status !== 'suspended'

/** The state that an end brings; the one that is known if that says the same. */
export function endState({ transport }: Row, known: RunState): RunState {
  const reason = transport[Header.runReason]
  if (reason === 'error') return reuseIfSame<RunState>(known, { status: reason, error: errorOf(transport) })
  return plainStates[reason === 'cancelled' ? reason : 'complete']
}

function errorOf(end: Headers): RunError {
  const code = Number(end[Header.errorCode] ?? ErrorCode.StreamFailed) || ErrorCode.StreamFailed
  return runError({ code, message: end[Header.errorMessage] ?? 'agent reported an error' })
}

/** An error as the reason of a run. */
export const runError = ({ code, message }: Pick<RunError, 'code' | 'message'>): RunError => ({
  code,
  message,
  statusCode: code >= 10_000 && code < 60_000 ? Math.floor(code / 100) : 500,
})

/** Whether a row of a run is a message that a client sent into it; an answer to a question of the run is none. */
export const isSteer = ({ name, transport }: Row): boolean =>
  name === MessageName.input && transport[Header.runId] !== undefined && transport[Header.discrete] === 'true'

/** The ids in a header that holds a JSON list. */
export function idsIn(stamp: string): readonly unknown[] {
  const ids = parseJson(stamp)
  return Array.isArray(ids) ? ids : []
}

/** Whether a row is the start or a resume of a run. */
export const isEntry = ({ name }: { readonly name?: string }): boolean =>
  name === MessageName.runStart || name === MessageName.runResume

/** The messages that clients sent into a run while it was being written. */
export class SteerStates {
  readonly #sent = new Set<string>()
  readonly #consumed = new Set<unknown>()
  readonly #triggers: SmallMap<true>
  #touched: string[] = []

  /** @param triggers - the inputs that woke an agent */
  constructor(triggers: SmallMap<true>) {
    this.#triggers = triggers
  }

  send(id: string): void {
    this.#sent.add(id)
    this.#touched.push(id)
  }

  /** Reads which messages an output says it has taken up. */
  consume(stamp: string): void {
    for (const id of idsIn(stamp)) {
      if (this.#consumed.has(id)) continue
      this.#consumed.add(id)
      this.#touched.push(id as string)
    }
  }

  touch(id: string): void {
    if (this.#sent.has(id)) this.#touched.push(id)
  }

  /** The messages that may have another state than at the last call. */
  touched(): readonly string[] {
    const touched = this.#touched
    this.#touched = []
    return touched
  }

  /** How a message fares; undefined for other messages. One that woke the agent again is a prompt of its own. */
  stateOf(id: string, hasEnded: boolean): SteerState | undefined {
    if (!this.#sent.has(id) || this.#triggers.get(id)) return undefined
    return this.#consumed.has(id) ? 'consumed' : hasEnded ? 'missed' : 'waiting'
  }
}

/** The cancels of a run that its agent has refused. A refusal also covers earlier cancels by the same client. */
export class Refusals {
  /** Up to which serial cancels are refused, by client id; '' for clients without an identity. */
  readonly #upTo = new Map<string, string>()

  /** @param headers - the headers of a refusal */
  add({ [Header.cancelSerial]: serial = '', [Header.cancelClient]: clientId = '' }: Headers): void {
    if (this.#isOpen({ serial, clientId })) this.#upTo.set(clientId, serial)
  }

  /** The first of these cancels that is not refused. */
  firstOpen(cancels: readonly Row[]): Row | undefined {
    return cancels.find((cancel) => this.#isOpen(cancel))
  }

  #isOpen({ serial, clientId = '' }: Pick<Row, 'serial' | 'clientId'>): boolean {
    return serial > (this.#upTo.get(clientId) ?? '')
  }
}
