import { HttpError } from './http-error'
import type { Invocation } from './invocation'

/**
 * Says whether whoever sent a request may have a prompt of this session answered. The request's body has been read.
 * Answering `false` refuses it with status 403; so does throwing, which `onError` hears of.
 */
export type Authorize = (
  request: Request,
  invocation: { sessionName: string; inputEventId: string },
) => boolean | Promise<boolean>

/** Applies `authorize`; without one, lets everybody in while developing and says so once. */
export function authorizer(
  authorize: Authorize | undefined,
  report: (error: unknown) => void,
): (request: Request, invocation: Invocation) => Promise<void> {
  let hasWarned = false
  return async (request, invocation) => {
    if (authorize) {
      const isAllowed = await holds(() => authorize(request, invocation.toJSON()), report)
      if (!isAllowed) throw new HttpError(403, 'unable to answer; not allowed')
      return
    }
    if (!isDevelopment()) {
      throw new HttpError(403, `unable to answer; the agent has no "authorize", which only NODE_ENV ${modes} allows`)
    }
    if (hasWarned) return
    hasWarned = true
    console.warn(
      `[vue-ai-transport] defineAgent() has no "authorize": unless NODE_ENV is ${modes} it refuses every request. Add authorize(request, { sessionName }) that checks who may use the session.`,
    )
  }
}

/** Whether a check says yes; one that throws does not. */
async function holds(check: () => boolean | Promise<boolean>, report: (error: unknown) => void): Promise<boolean> {
  try {
    // NOTE: without types a check may answer with a refusal, which is truthy
    const answer: unknown = await check()
    return answer === true
  } catch (error) {
    report(error)
    return false
  }
}

const modes = '"development" or "test"'

// NOTE: runtimes at the edge may have no `process`, and servers often run without a NODE_ENV: neither is development
function isDevelopment(): boolean {
  const mode = globalThis.process?.env?.NODE_ENV
  return mode === 'development' || mode === 'test'
}
