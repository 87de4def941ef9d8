import { ErrorCode, SessionError } from '../core/errors'
import { ConflictError } from './misuse'

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
  [ErrorCode.ChannelFailed, 503],
  [ErrorCode.Cancelled, 503],
  [ErrorCode.Closed, 503],
  [ErrorCode.HistoryFailed, 503],
  [ErrorCode.LifecyclePublishFailed, 503],
])

/** The answer that tells what went wrong. Of an unknown error it tells only that there was one. */
export function errorResponse(error: unknown): Response {
  if (error instanceof HttpError)
    return json(error.status, { error: { code: error.code, message: error.message } }, error.headers)
  if (error instanceof SessionError) {
    const status = error instanceof ConflictError ? 409 : statuses.get(error.code)
    return json(status ?? 500, { error: { code: error.code, message: error.message } })
  }
  return json(500, { error: { code: 50_000, message: 'unable to answer; the agent failed' } })
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}
