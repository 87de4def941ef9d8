import type { AccessPolicy, Act } from '../core/access'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import type { RunInfo } from '../core/run-info'
import type { ChannelMessage } from '../core/wire'
import type { AgentChannel } from './channel'
import { inTime } from './time-limit'

/** The answer of a hook: `false` refuses, everything else allows. */
export type Decision = boolean | void | Promise<boolean | void>

/** A run that is about to start or resume. */
export interface AdmitRequest {
  readonly sessionName: string
  readonly runId: string
  /** The client that the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** The publisher of the input that wakes the agent, verified by Ably. */
  readonly clientId: string | undefined
  /** The other active runs of the session, of every process. Suspended runs do not count. */
  readonly active: readonly RunInfo[]
}

/** Decides whether a run may start or resume now. `false` refuses it before anything is published. */
export type AdmitHook = (request: AdmitRequest) => Decision

/** An answer to a suspended run, which wakes the agent to resume it. */
export interface AnswerRequest extends Act {
  /** The suspended run. */
  readonly runId: string
  /** Message id of the answer. */
  readonly inputId: string | undefined
}

/** Decides whether an answer resumes its run. `false` refuses it with 40160 (status 403), throwing with 104002. */
export type AnswerHook = (request: AnswerRequest) => Decision

/** A cancel of a run. */
export interface CancelRequest {
  readonly runId: string
  /** The publisher of the cancel, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** The client that the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** The cancel as it came over the channel. */
  readonly message: ChannelMessage
}

/** Decides whether a cancel stops its run. `false` refuses it; so does throwing, which is also reported. */
export type CancelHook = (request: CancelRequest) => Decision

/** A message sent into a run while it streams. */
export interface SteerRequest {
  readonly runId: string
  /** Message id of the message. */
  readonly inputId: string
  /** The publisher of the message, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** The client that the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** The first part of the message as it came over the channel. */
  readonly message: ChannelMessage
}

/** Decides whether a message becomes part of the run. `false` ignores it; so does throwing, which is also reported. */
export type SteerHook = (request: SteerRequest) => Decision

const subjects: Readonly<Record<Act['kind'], string>> = {
  cancel: 'a cancel',
  steer: 'a steer',
  answer: 'an answer',
  fork: 'an answer',
  regenerate: 'another reply',
  edit: 'an edit',
}

/** The two clients that a decision is about. */
type Sides = Omit<Act, 'kind'>

/**
 * Whether policy lets a client act.
 * @throws {@link SessionError} 104002 when policy throws
 */
export function askPolicy(access: AccessPolicy, kind: Act['kind'], { clientId, ownerClientId }: Sides): boolean {
  try {
    return access.ask({ kind, clientId, ownerClientId })
  } catch (cause) {
    throw toSessionError(`decide on ${subjects[kind]}`, ErrorCode.HookFailed, cause)
  }
}

/** Milliseconds that a hook may take: it may let a prompt wait on purpose, but not for good. */
const hookLimit = 300_000

/**
 * Runs a hook; a missing hook allows.
 *
 * @param subject - the subject of the decision, for the error: "a cancel"
 * @throws {@link SessionError} 104002 when the hook throws, or does not settle in time
 */
export async function runHook<Request>(
  hook: ((request: Request) => Decision) | undefined,
  request: Request,
  subject: string,
): Promise<boolean> {
  try {
    // NOTE: what waits for a hook keeps a place, and every repetition of its request waits with it
    return (await inTime('it', hook?.(request), hookLimit)) !== false
  } catch (cause) {
    throw toSessionError(`decide on ${subject}`, ErrorCode.HookFailed, cause)
  }
}

/**
 * Whether a client may act: policy is asked first, and then the hook, which may be slow.
 * @throws {@link SessionError} 104002 when one of them throws
 */
export async function mayAct<Request extends Sides>(
  access: AccessPolicy,
  kind: Act['kind'],
  request: Request,
  hook?: (request: Request) => Decision,
): Promise<boolean> {
  return askPolicy(access, kind, request) && runHook(hook, request, subjects[kind])
}

/** A decision where no caller handles an error: an error refuses, and is reported. */
export const orRefuse = (decision: Promise<boolean>, report: (error: SessionError) => void): Promise<boolean> =>
  decision.catch((error: SessionError) => {
    report(error)
    return false
  })

/**
 * Whether the hook for cancels accepts a cancel that policy allows. A hook that throws refuses, and the error is
 * reported.
 *
 * @param run - the run that the cancel is about, and its owner
 */
export function acceptsCancel(
  { messageOf, report }: Pick<AgentChannel<object, unknown>, 'messageOf' | 'report'>,
  onCancel: CancelHook | undefined,
  cancel: Row,
  run: Pick<CancelRequest, 'runId' | 'ownerClientId'>,
): Promise<boolean> {
  const request = { ...run, clientId: cancel.clientId, message: messageOf(cancel) }
  return orRefuse(runHook(onCancel, request, subjects.cancel), report)
}
