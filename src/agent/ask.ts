import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { Row } from '../core/log'
import type { ChannelMessage } from '../core/wire'
import type { Decision } from './hooks'

/** What deciding on what clients say to a run needs to know. */
export interface Asked {
  readonly runId: string
  readonly trigger: Row
  readonly ownerClientId: string | undefined
  /** The message that a row came with. */
  readonly messageOf: (row: Row) => ChannelMessage
  readonly report: (error: SessionError) => void
}

/**
 * Asks a hook to decide on `what`; without one the answer is yes.
 * @throws {@link SessionError} 104002 when the hook throws
 */
export async function ask<Request>(
  hook: ((request: Request) => Decision) | undefined,
  request: Request,
  what: string,
): Promise<boolean> {
  try {
    return (await hook?.(request)) !== false
  } catch (cause) {
    throw toSessionError(`decide on ${what}`, ErrorCode.HookFailed, cause)
  }
}

/** The same where nobody waits for the answer: a hook that throws is reported and means no. */
export async function askOrReport<Request>(
  hook: ((request: Request) => Decision) | undefined,
  request: Request,
  what: string,
  report: (error: SessionError) => void,
): Promise<boolean> {
  try {
    return await ask(hook, request, what)
  } catch (error) {
    report(error as SessionError)
    return false
  }
}
