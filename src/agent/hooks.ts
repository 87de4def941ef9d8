import type { RunInfo } from '../core/run-info'
import type { Act } from '../core/access'
import type { ChannelMessage } from '../core/wire'

/** What a hook says: `false` is no, everything else yes. */
export type Decision = boolean | void | Promise<boolean | void>

/** A run that is about to start or to go on. */
export interface AdmitRequest {
  readonly sessionName: string
  readonly runId: string
  /** Whose prompt the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** Who has published the input that wakes the agent, verified by Ably. */
  readonly clientId: string | undefined
  /** Other runs of the session that have not ended and do not wait, whichever process writes them. */
  readonly active: readonly RunInfo[]
}

/** Decides whether a run may start or go on now. Answering `false` refuses it, before anything is published. */
export type AdmitHook = (request: AdmitRequest) => Decision

/** Somebody answers a run that waits, and wakes the agent to go on with it. */
export interface AnswerRequest extends Act {
  /** The run that waits. */
  readonly runId: string
  /** Message id of the answer. */
  readonly inputId: string | undefined
}

/** Decides whether a run goes on. Answering `false` refuses it with 40160 (status 403), throwing with 104002. */
export type AnswerHook = (request: AnswerRequest) => Decision

/** Somebody asks for a run to stop. */
export interface CancelRequest {
  readonly runId: string
  /** Who asks, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** Whose prompt the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** The request as it came over the channel. */
  readonly message: ChannelMessage
}

/** Decides whether a run stops. Answering `false` ignores the request; so does throwing, which is also reported. */
export type CancelHook = (request: CancelRequest) => Decision

/** Somebody says something into a run while it is being written. */
export interface SteerRequest {
  readonly runId: string
  /** Message id of what is said. */
  readonly inputId: string
  /** Who says it, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** Whose prompt the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** Its first part as it came over the channel. */
  readonly message: ChannelMessage
}

/** Decides whether a run heeds it. Answering `false` ignores the message; so does throwing, which is also reported. */
export type SteerHook = (request: SteerRequest) => Decision
