import * as codes from './error-codes'

/** Numeric codes of `SessionError`; the same numbers as other AI Transport implementations use. */
// NOTE: an object for apps alone: builds put the numbers in place where this library names them
export const ErrorCode: typeof codes = {
  BadRequest: codes.BadRequest,
  Cancelled: codes.Cancelled,
  TooManyRuns: codes.TooManyRuns,
  Unauthorized: codes.Unauthorized,
  NoSerial: codes.NoSerial,
  StreamRepairFailed: codes.StreamRepairFailed,
  ChannelFailed: codes.ChannelFailed,
  HookFailed: codes.HookFailed,
  LifecyclePublishFailed: codes.LifecyclePublishFailed,
  Closed: codes.Closed,
  SendFailed: codes.SendFailed,
  ContinuityLost: codes.ContinuityLost,
  NotAttached: codes.NotAttached,
  StreamFailed: codes.StreamFailed,
  NotFound: codes.NotFound,
  HistoryFailed: codes.HistoryFailed,
  ArchiveFailed: codes.ArchiveFailed,
  AppendsNotAllowed: codes.AppendsNotAllowed,
  TokenRouteFailed: codes.TokenRouteFailed,
}

export type ErrorCode = (typeof codes)[keyof typeof codes]
