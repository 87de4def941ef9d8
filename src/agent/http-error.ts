import { ErrorCode, SessionError } from '../core/errors'
import { BusyError, ConflictError, HandledError } from './misuse'

/** A refusal of a request. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  constructor(
    readonly status: number,
    message: string,
    /** {@link ErrorCode} where one fits, else the status in the form Ably gives it. */
    readonly code: number = status * 100,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

const statuses = new Map<number, number>([
  [ErrorCode.BadRequest, 400],
  [ErrorCode.Unauthorized, 403],
  [ErrorCode.NotFound, 404],
  [ErrorCode.TooManyRuns, 429],
  [ErrorCode.ChannelFailed, 503],
  [ErrorCode.Cancelled, 503],
  [ErrorCode.Closed, 503],
  [ErrorCode.HistoryFailed, 503],
  [ErrorCode.LifecyclePublishFailed, 503],
])

/** Seconds that whoever was refused for want of room should wait. */
const retryAfter = 2

const statusOf = (error: SessionError): number =>
  error instanceof ConflictError ? 409 : error instanceof HandledError ? 200 : (statuses.get(error.code) ?? 500)

/** Whether what was thrown is no fault of the agent but an answer to whoever asked. */
export const isAnswer = (error: unknown): boolean =>
  error instanceof HttpError || (error instanceof SessionError && statusOf(error) < 500)

/** The answer that tells what went wrong. Of an unknown error it tells only that there was one. */
export function errorResponse(error: unknown): Response {
  if (error instanceof HttpError)
    return json(error.status, { error: { code: error.code, message: error.message } }, error.headers)
  if (error instanceof HandledError) {
    return json(200, { runId: error.runId, invocationId: error.invocationId, handled: true })
  }
  if (error instanceof SessionError) {
    const headers = error instanceof BusyError ? { 'retry-after': String(retryAfter) } : undefined
    return json(statusOf(error), { error: { code: error.code, message: error.message } }, headers)
  }
  return json(500, { error: { code: 50_000, message: 'unable to answer; the agent failed' } })
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}
