// The numbers of `SessionError`; `public-error-codes.ts` has their meanings

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
