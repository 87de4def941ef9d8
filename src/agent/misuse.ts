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

/** The error for an input that is answered already, here or by another agent: there is nothing to do. */
export class HandledError extends SessionError {
  constructor(
    /** The run that answers it. */
    readonly runId: string,
    /** The waking that has started that run, or made it go on. */
    readonly invocationId: string,
  ) {
    super(`unable to start a run; run "${runId}" answers the input already`, ErrorCode.BadRequest)
  }
}

/** The error for a run that has to wait because others go on. */
export class BusyError extends SessionError {
  constructor(why: string) {
    super(`unable to start a run now; ${why}`, ErrorCode.TooManyRuns)
  }
}
