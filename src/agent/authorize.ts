import { warnOnce } from '../core/diagnostics'
import { HttpError } from './http'
import type { Invocation } from './invocation'
import { isDevelopment } from './errors'

/**
 * Decides whether a request may have an input of a session answered. The body of the request has been read. `false` refuses
 * it with status 403; so does throwing, which is also reported to `onError`.
 */
export type Authorize = (
  request: Request,
  invocation: { sessionName: string; inputEventId: string },
) => boolean | Promise<boolean>

/** Applies `authorize`. Without it, every request is allowed in development, with one warning. */
export function authorizer(
  authorize: Authorize | undefined,
  report: (error: unknown) => void,
): (request: Request, invocation: Invocation) => Promise<void> {
  const check = async (request: Request, invocation: Invocation): Promise<void> => {
    if (authorize) {
      const isAllowed = await holds(() => authorize(request, invocation.toJSON()), report)
      if (isAllowed) return
      const why = isDevelopment() ? ': `authorize` did not return true for this session' : ''
      throw new HttpError(403, `unable to answer; not allowed${why}`)
    }
    if (!isDevelopment()) {
      throw new HttpError(403, `unable to answer; the agent has no "authorize", which only NODE_ENV ${modes} allows`)
    }
    warnOnce(
      `defineAgent() has no "authorize": unless NODE_ENV is ${modes} it refuses every request. Add authorize(request, { sessionName }) that checks who may use the session.`,
      check,
    )
  }
  return check
}

/** Whether a check returns true; a check that throws does not hold. */
async function holds(check: () => boolean | Promise<boolean>, report: (error: unknown) => void): Promise<boolean> {
  try {
    // NOTE: an untyped check may return a Response, which is truthy
    const answer: unknown = await check()
    return answer === true
  } catch (error) {
    report(error)
    return false
  }
}

const modes = '"development" or "test"'
