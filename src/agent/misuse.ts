import { ErrorCode, SessionError } from '../core/errors'

/** The error for a call that does not fit the moment, or has a wrong argument. */
export const misuse = (what: string, why: string): SessionError =>
  new SessionError(`unable to ${what}; ${why}`, ErrorCode.BadRequest)
