// Numeric codes of `SessionError`; the same numbers as other AI Transport implementations use

/** An argument is wrong, or the call does not fit the present state. */
export const BadRequest = 40003
/** The run was cancelled, or a wait was aborted. */
export const Cancelled = 40033
/** The agent answers as many prompts as it may. */
export const TooManyRuns = 42900
/** The token or key lacks a capability. */
export const Unauthorized = 40160
/** The channel accepted a publish but returned no serial. */
export const NoSerial = 50000
/** A refused stream could not be repaired by a full update. */
export const StreamRepairFailed = 104000
/** Subscribing to or attaching the channel failed. */
export const ChannelFailed = 104001
/** A cancel hook of the agent threw. */
export const HookFailed = 104002
/** Publishing a run's start or end failed. */
export const LifecyclePublishFailed = 104003
/** The session or view is closed. */
export const Closed = 104004
/** A prompt could not be published, or the agent could not be woken. */
export const SendFailed = 104005
/** Messages may have been missed and could not be read back. */
export const ContinuityLost = 104006
/** The channel is not in a state that allows sending. */
export const NotAttached = 104007
/** The agent's stream failed; also the code of a run that ended with an unspecified error. */
export const StreamFailed = 104008
/** The run's start or its trigger was not found in time. */
export const NotFound = 104010
/** History could not be read. */
export const HistoryFailed = 104011
/** Rows could not be written to the app's archive. */
export const ArchiveFailed = 104012
/** The channel's namespace does not allow appends and updates. */
export const AppendsNotAllowed = 93002
/** The token route failed: it cannot be reached, or does not answer with a token. */
export const TokenRouteFailed = 80019
