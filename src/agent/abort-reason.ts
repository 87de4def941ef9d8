import { ErrorCode, SessionError } from '../core/errors'

/** Why a run's signal aborts: a {@link SessionError} 40033. */
export function abortReason(why: string, cause?: unknown): SessionError {
  const reason = new SessionError(`unable to go on with the run; ${why}`, ErrorCode.Cancelled, { cause })
  // NOTE: model SDKs tell a stop from a failure by this name, and otherwise log an error for every Stop
  return Object.defineProperty(reason, 'name', { value: 'AbortError' })
}
