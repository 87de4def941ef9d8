import { ErrorCode, reasonOf, SessionError, toSessionError, unableTo } from '../core/errors'
import { isDevelopment } from './report'

/** The error for a call that does not fit the present state, or that has a wrong argument. */
export const badRequest = (action: string, reason: string): SessionError =>
  unableTo(action, reason, ErrorCode.BadRequest)

/** The error for a session that was closed. */
export const sessionClosed = (action: string, name: string): SessionError =>
  unableTo(action, `the session "${name}" was closed`, ErrorCode.Closed)

/** The error for an agent that was closed. */
export const agentClosed = (): SessionError => unableTo('answer', 'the agent was closed', ErrorCode.Closed)

/** The error for continuing a run that has ended. */
export class ConflictError extends SessionError {
  constructor(action: string, reason: string) {
    super(`unable to ${action}; ${reason}`, ErrorCode.BadRequest)
  }
}

/** The error for an input that a run answers already, in this process or another: there is nothing to do. */
export class HandledError extends SessionError {
  constructor(
    /** The run that answers it. */
    readonly runId: string,
    /** The invocation that started or resumed that run. */
    readonly invocationId: string,
  ) {
    super(`unable to start a run; run "${runId}" answers the input already`, ErrorCode.BadRequest)
  }
}

/** The error for a run that cannot start yet, because other runs have to finish first. */
export class BusyError extends SessionError {
  constructor(reason: string) {
    super(`unable to start a run now; ${reason}`, ErrorCode.TooManyRuns)
  }
}

/** The reason that a run's signal aborts with: a {@link SessionError} 40033 named `AbortError`. */
export function abortReason(reason: string, cause?: unknown): SessionError {
  const error = unableTo('continue the run', reason, ErrorCode.Cancelled, { cause })
  // NOTE: model SDKs recognise a stop by this name; they log any other error
  return Object.defineProperty(error, 'name', { value: 'AbortError' })
}

const hiddenText = 'The agent failed'

/** The text of an error for clients. In production an error may hold secrets of the server, so its message is hidden. */
export function clientText(
  error: unknown,
  errorText: ((error: unknown) => string) | undefined,
  report: (error: SessionError) => void,
): string {
  if (!errorText) return isDevelopment() ? reasonOf(error) : hiddenText
  try {
    // The app knows the error that it threw, not ours around it
    const text: unknown = errorText(error instanceof SessionError ? (error.cause ?? error) : error)
    return typeof text === 'string' && text !== '' ? text : hiddenText
  } catch (cause) {
    report(toSessionError('call errorText', ErrorCode.HookFailed, cause))
    return hiddenText
  }
}
