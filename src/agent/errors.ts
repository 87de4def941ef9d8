import { ErrorCode, reasonOf, SessionError, toSessionError, unableTo } from '../core/errors'

/** The mode of the process; undefined where there is none, as in some edge runtimes. */
export const mode = (): string | undefined => globalThis.process?.env?.NODE_ENV

// NOTE: servers often run without NODE_ENV, which does not count as development
/** Whether checks may be left out, and whether clients may see the text of any error. */
export const isDevelopment = (): boolean => mode() === 'development' || mode() === 'test'

/** Prints a line in development. */
export function say(text: string): void {
  if (mode() === 'development') console.info(`[vue-ai-transport] ${text}`)
}

/** The default listener for errors. */
export const logError = (error: unknown): void => console.error('[vue-ai-transport]', error)

/** Wraps a listener for errors: reports come from within runs, so a faulty listener must not throw into them. */
export function guarded(listener: (error: unknown) => void): (error: unknown) => void {
  const reported = new WeakSet<object>()
  // NOTE: async, so that a listener that rejects is caught like one that throws
  const call = async (error: unknown): Promise<void> => {
    try {
      await (listener(error) as unknown)
    } catch (cause) {
      logError(cause)
    }
  }
  return (error) => {
    // NOTE: an agent may throw the error of its stream, which was reported when the stream failed
    if (typeof error === 'object' && error !== null) {
      if (reported.has(error)) return
      reported.add(error)
    }
    void call(error)
  }
}

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

/**
 * The text of an error for clients. In production an error may hold secrets of the server, so its message is hidden.
 */
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
