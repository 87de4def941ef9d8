import { ErrorCode, SessionError } from '../core/errors'

/** The error for a call that does not fit the moment, or has a wrong argument. */
export const misuse = (what: string, why: string): SessionError =>
  new SessionError(`unable to ${what}; ${why}`, ErrorCode.BadRequest)

/** The error for going on with a run that is over. */
export class ConflictError extends SessionError {
  constructor(what: string, why: string) {
    super(`unable to ${what}; ${why}`, ErrorCode.BadRequest)
  }
}
