// The numbers of `SessionError`: constants for this library, which builds inline, and a table of them for apps

export const BadRequest = 40003
export const Cancelled = 40033
export const TooManyRuns = 42900
export const Unauthorized = 40160
export const NoSerial = 50000
export const StreamRepairFailed = 104000
export const ChannelFailed = 104001
export const HookFailed = 104002
export const LifecyclePublishFailed = 104003
export const Closed = 104004
export const SendFailed = 104005
export const ContinuityLost = 104006
export const NotAttached = 104007
export const StreamFailed = 104008
export const NotFound = 104010
export const HistoryFailed = 104011
export const ArchiveFailed = 104012
export const AppendsNotAllowed = 93002
export const TokenRouteFailed = 80019

/** Numeric codes of `SessionError`; the same numbers as other AI Transport implementations use. */
export const ErrorCode = {
  /** An argument is wrong, or the call does not fit the present state. */
  BadRequest,
  /** The run was cancelled, or a wait was aborted. */
  Cancelled,
  /**
   * The agent cannot begin now, and the client repeats the request: its places are taken, or another run has to finish
   * first.
   */
  TooManyRuns,
  /** The token or key lacks a capability. */
  Unauthorized,
  /** The channel accepted a publish but returned no serial. */
  NoSerial,
  /** A refused stream could not be repaired by a full update. */
  StreamRepairFailed,
  /** Subscribing to or attaching the channel failed. */
  ChannelFailed,
  /** A hook of the agent threw, `policy` and `errorText` included, or did not settle within five minutes. */
  HookFailed,
  /** Publishing the start, suspension or end of a run failed, or entering presence did. */
  LifecyclePublishFailed,
  /** The session, or the agent, is closed. */
  Closed,
  /** A prompt could not be published, or the agent could not be woken. */
  SendFailed,
  /** Messages may have been missed and could not be read back. */
  ContinuityLost,
  /** There is no session: it has no name yet, or the page is rendered on a server. */
  NotAttached,
  /** The agent's stream failed; also the code of a run that ended with an unspecified error. */
  StreamFailed,
  /** The run's start or its trigger was not found in time. */
  NotFound,
  /** History could not be read. */
  HistoryFailed,
  /** Rows could not be written to the app's archive. */
  ArchiveFailed,
  /** The channel's namespace does not allow appends and updates. */
  AppendsNotAllowed,
  /** The token route failed: it cannot be reached, or does not answer with a token. */
  TokenRouteFailed,
} as const

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]
