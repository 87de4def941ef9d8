import { HttpError } from './http-error'
import type { Invocation } from './invocation'

/**
 * Says whether whoever sent a request may have a prompt of this session answered. The request's body has been read.
 * Answering `false` or throwing refuses it with status 403.
 */
export type Authorize = (
  request: Request,
  invocation: { sessionName: string; inputEventId: string },
) => boolean | Promise<boolean>

/** Applies `authorize`; without one, lets everybody in outside production and says so once. */
export function authorizer(
  authorize: Authorize | undefined,
): (request: Request, invocation: Invocation) => Promise<void> {
  let hasWarned = false
  return async (request, invocation) => {
    if (authorize) {
      if (!(await isAllowed(authorize, request, invocation))) throw new HttpError(403, 'unable to answer; not allowed')
      return
    }
    if (isProduction()) throw new HttpError(403, 'unable to answer; the agent needs "authorize" in production')
    if (hasWarned) return
    hasWarned = true
    console.warn(
      '[vue-ai-transport] defineAgent() has no "authorize": in production it refuses every request. Add authorize(request, { sessionName }) that checks who may use the session.',
    )
  }
}

async function isAllowed(authorize: Authorize, request: Request, invocation: Invocation): Promise<boolean> {
  try {
    return await authorize(request, invocation.toJSON())
  } catch {
    return false
  }
}

// NOTE: runtimes at the edge may have no `process`
const isProduction = (): boolean => globalThis.process?.env?.NODE_ENV === 'production'
