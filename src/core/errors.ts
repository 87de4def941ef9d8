import * as ErrorCode from './error-codes'
import { parseJson } from './collections'

export { ErrorCode }

/**
 * The one error class of this library. `message` reads "unable to ...; reason", `cause` is the original
 * error (an Ably `ErrorInfo`, a fetch error), unchanged.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  constructor(
    message: string,
    /** A number of {@link ErrorCode}, or Ably's own code where Ably refused. */
    readonly code: number,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/**
 * An error of the usual form: "unable to ...; reason".
 *
 * @param action - The failed action, as a verb: "send the prompt".
 * @param reason - Why, and how to fix it where that is known.
 */
export const unableTo = (action: string, reason: string, code: number, options?: { cause?: unknown }): SessionError =>
  new SessionError(`unable to ${action}; ${reason}`, code, options)

/** The error for a call that does not fit the present state, or that has a wrong argument. */
export const badRequest = (action: string, reason: string): SessionError =>
  unableTo(action, reason, ErrorCode.BadRequest)

/** The message of a thrown value. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Ably's code for publishing on a channel that was attached with a token that may not. */
const noPublishMode = 40165

/** Ably's code for a token with another client id than that of the connection. */
const otherUser = 40102

/** The channel or the token route that each error of the SDK is about. */
const subjects = new WeakMap<object, string>()

/** Notes the channel or the token route that an error is about, and returns the error. */
export function about<E>(cause: E, subject: string): E {
  if (typeof cause === 'object' && cause !== null) subjects.set(cause, subject)
  return cause
}

/**
 * What a response said, in one line: its status, and its message, the title of its page or its first line.
 *
 * @param body - Its text, or its text as JSON.
 */
export function answered(status: number | string, body: string): string {
  const json = parseJson(body) as { error?: { message?: unknown }; message?: unknown } | null | undefined
  const text = [json?.error?.message, json?.message, json].find((each) => typeof each === 'string') ?? body
  const page = /^\s*(?=<)(?:[^]*?<(?:title|h1)[^>]*>([^<]*))?/i.exec(text)
  const [words] = /\S.{0,499}|$/.exec(page ? (page[1] ?? '') : text)!
  return `answered ${status}${page ? ' with text/html' : ''}${words && `: ${words}`}`
}

/** The same for a response that the SDK has put into words. */
function plainly(reason: string): string {
  // NOTE: browsers print the text as JSON, and Node prints a buffer
  const [, status, body = ''] = / server: (\d+) body was: (?:<Buf[^]*|([^]*))/.exec(reason) ?? []
  return status ? `it ${answered(status, body)}` : reason.slice(0, 200)
}

/** The reason and the code of refusals that a developer can fix. */
function mendable(cause: unknown): [reason: string, code: number] | undefined {
  const { code, cause: origin } = (cause ?? {}) as { code?: unknown; cause?: unknown }
  const subject = subjects.get(cause as object) ?? ''
  const namespace = subject.split(':')[0]!
  if (code === ErrorCode.AppendsNotAllowed) {
    return [
      `namespace "${namespace}" of channel "${subject}" does not allow updates and appends. Enable "Message annotations, updates, deletes, and appends" for "${namespace}" under Channel rules in the Ably dashboard`,
      code,
    ]
  }
  if (code === ErrorCode.TokenRouteFailed) {
    return [
      `the token route ${subject} failed: ${plainly(reasonOf(origin ?? cause))}. It must answer with an Ably token, as tokenRoute() does`,
      code,
    ]
  }
  if (code === otherUser) {
    return [
      `${reasonOf(cause)}. A connection belongs to one user: call reset() of createAITransport() when the user changes`,
      code,
    ]
  }
  if (code !== ErrorCode.Unauthorized && code !== noPublishMode) return undefined
  return [
    `the token lacks a capability: ${reasonOf(cause)}. Grant subscribe, publish and history on channel "${subject}", or on "${namespace}:*"`,
    ErrorCode.Unauthorized,
  ]
}

/**
 * Wraps the error of a failed action ("send the prompt"). Refusals that a developer can fix (namespace rule,
 * capability, token route) keep their own code and name the fix, with the channel or the route that `about` has noted.
 */
export function toSessionError(what: string, code: number, cause: unknown): SessionError {
  if (cause instanceof SessionError) return cause
  const [reason, known] = mendable(cause) ?? [reasonOf(cause), code]
  return unableTo(what, reason, known, { cause })
}
