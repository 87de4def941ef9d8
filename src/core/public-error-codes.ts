import * as codes from './error-codes'

/** Numeric codes of `SessionError`; the same numbers as other AI Transport implementations use. */
// NOTE: a table for apps alone: builds put the numbers in place where this library names them
export const ErrorCode = {
  /** An argument is wrong, or the call does not fit the present state. */
  BadRequest: codes.BadRequest,
  /** The run was cancelled, or a wait was aborted. */
  Cancelled: codes.Cancelled,
  /** The agent answers as many prompts as it may. */
  TooManyRuns: codes.TooManyRuns,
  /** The token or key lacks a capability. */
  Unauthorized: codes.Unauthorized,
  /** The channel accepted a publish but returned no serial. */
  NoSerial: codes.NoSerial,
  /** A refused stream could not be repaired by a full update. */
  StreamRepairFailed: codes.StreamRepairFailed,
  /** Subscribing to or attaching the channel failed. */
  ChannelFailed: codes.ChannelFailed,
  /** A cancel hook of the agent threw. */
  HookFailed: codes.HookFailed,
  /** Publishing a run's start or end failed. */
  LifecyclePublishFailed: codes.LifecyclePublishFailed,
  /** The session or view is closed. */
  Closed: codes.Closed,
  /** A prompt could not be published, or the agent could not be woken. */
  SendFailed: codes.SendFailed,
  /** Messages may have been missed and could not be read back. */
  ContinuityLost: codes.ContinuityLost,
  /** The channel is not in a state that allows sending. */
  NotAttached: codes.NotAttached,
  /** The agent's stream failed; also the code of a run that ended with an unspecified error. */
  StreamFailed: codes.StreamFailed,
  /** The run's start or its trigger was not found in time. */
  NotFound: codes.NotFound,
  /** History could not be read. */
  HistoryFailed: codes.HistoryFailed,
  /** Rows could not be written to the app's archive. */
  ArchiveFailed: codes.ArchiveFailed,
  /** The channel's namespace does not allow appends and updates. */
  AppendsNotAllowed: codes.AppendsNotAllowed,
  /** The token route failed: it cannot be reached, or does not answer with a token. */
  TokenRouteFailed: codes.TokenRouteFailed,
} as const satisfies typeof codes

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]
