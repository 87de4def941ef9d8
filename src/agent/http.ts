import { ErrorCode, reasonOf, SessionError } from '../core/errors'
import { BusyError, ConflictError, HandledError } from './errors'

/** A refused HTTP request. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  constructor(
    readonly status: number,
    message: string,
    /** An {@link ErrorCode} where one fits, else the status in Ably's form. */
    readonly code: number = status * 100,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}

/** In bytes. An invocation has two short strings; apps may add fields. */
const maxBodySize = 8192
/** Milliseconds for the whole body. */
const bodyTimeout = 10_000

const notARequest =
  'unable to answer; fetch() takes a web Request, but got the request of Node or Express. Serve the agent with toNodeHandler(agent)'

const bodyWasRead =
  'unable to read the request; its body was read before, perhaps by a middleware. Read a clone there: request.clone()'

/**
 * Checks that a server passed a web request.
 * @throws Error with the fix for Node's requests
 */
export function checkIsRequest(request: Request): void {
  const { headers } = request as { headers?: Partial<Headers> }
  if (typeof headers?.get !== 'function') throw new Error(notARequest)
}

/**
 * Reads the body up to a limit in bytes; its headers are not trusted.
 *
 * @throws {@link HttpError} when it is larger, breaks off, or takes longer than 10 seconds; Error when it was read
 * before
 */
export async function readText(request: Request, limit = maxBodySize): Promise<string> {
  // NOTE: the web's own error says only that a stream is locked
  if (request.bodyUsed) throw new Error(bodyWasRead)
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void reader?.cancel().catch(() => undefined)
  }, bodyTimeout)
  const text = await readAll(reader, limit).finally(() => clearTimeout(timer))
  if (isLate) throw new HttpError(408, `unable to read the request; its body takes longer than ${bodyTimeout / 1000} s`)
  return text
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array> | undefined, limit: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const { value, done } = (await reader?.read().catch(refuseBrokenBody)) ?? { value: undefined, done: true }
    if (done || !value) return text + decoder.decode()
    size += value.byteLength
    if (size > limit) {
      void reader?.cancel().catch(() => undefined)
      throw new HttpError(413, `unable to read the request; its body is larger than ${limit} bytes`)
    }
    text += decoder.decode(value, { stream: true })
  }
}

function refuseBrokenBody(cause: unknown): never {
  throw new HttpError(400, `unable to read the request; its body breaks off: ${reasonOf(cause)}`)
}

const statuses = new Map<number, number>([
  [ErrorCode.BadRequest, 400],
  [ErrorCode.Unauthorized, 403],
  [ErrorCode.NotFound, 404],
  [ErrorCode.TooManyRuns, 429],
  [ErrorCode.ChannelFailed, 503],
  [ErrorCode.TokenRouteFailed, 503],
  [ErrorCode.Cancelled, 503],
  [ErrorCode.Closed, 503],
  [ErrorCode.HistoryFailed, 503],
  [ErrorCode.LifecyclePublishFailed, 503],
])

/** Seconds after which a client should repeat a request that was refused as busy. */
const retryAfter = 2

function statusOf(error: SessionError): number {
  if (error instanceof ConflictError) return 409
  if (error instanceof HandledError) return 200
  // NOTE: no status that clients repeat: the same request fails until somebody has given the agent the right
  return isRightMissing(error) ? 424 : (statuses.get(error.code) ?? 500)
}

/** Whether the agent itself lacks a right, not the user: an error with a cause is the channel's. */
const isRightMissing = ({ code, cause }: SessionError): boolean =>
  code === ErrorCode.Unauthorized && cause !== undefined

/** Whether an error is a regular answer to the request instead of a failure of the agent. */
export const isAnswer = (error: unknown): boolean =>
  error instanceof HttpError || (error instanceof SessionError && statusOf(error) < 500 && !isRightMissing(error))

/** The response for an error. The message of an unknown error stays private. */
export function errorResponse(error: unknown): Response {
  if (error instanceof HttpError) return refusal(error.status, error, error.headers)
  if (error instanceof HandledError) {
    return json(200, { runId: error.runId, invocationId: error.invocationId, handled: true })
  }
  if (error instanceof SessionError) {
    const headers = error instanceof BusyError ? { 'retry-after': String(retryAfter) } : undefined
    return refusal(statusOf(error), error, headers)
  }
  return refusal(500, { code: 50_000, message: 'unable to answer; the agent failed' })
}

// NOTE: the SDK reads the message of a token route's error only if the body has the status, too
const refusal = (
  statusCode: number,
  { code, message }: { code: number; message: string },
  headers?: Readonly<Record<string, string>>,
): Response => json(statusCode, { error: { code, statusCode, message } }, headers)

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}

/** The pages of other origins that may call a route. */
export interface CorsOptions {
  /** Origins such as `https://app.example.com`; `'*'` accepts all, and then browsers send no cookies. */
  origins: string | readonly string[]
  /** Request headers that those pages may send. @default `content-type` and `authorization` */
  headers?: readonly string[]
  /** Whether browsers send cookies along. @default false */
  credentials?: boolean
}

type Fetch<Context> = (request: Request, context?: Context) => Promise<Response>

const preflightSeconds = 3600

/**
 * Wraps a fetch handler so that it answers preflights and lets pages of the given origins read its responses. Without
 * options, the handler stays as it is.
 */
export function withCors<Context>(
  handle: Fetch<Context>,
  options: CorsOptions | undefined,
  methods: string,
): Fetch<Context> {
  if (!options) return handle
  const { origins, headers = ['content-type', 'authorization'], credentials = false } = options
  if (credentials && origins === '*') {
    throw new Error(
      'unable to use "cors"; browsers send no cookies to a route that accepts every origin, so list the origins or leave out "credentials"',
    )
  }
  const accepted = new Set([origins].flat())
  const accepts = (origin: string): boolean => origins === '*' || accepted.has(origin)
  const preflight = {
    'access-control-allow-methods': methods,
    'access-control-allow-headers': headers.join(', '),
    'access-control-max-age': String(preflightSeconds),
  }
  return async (request, context) => {
    const origin = request.headers.get('origin')
    const isPreflight = request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
    const response = isPreflight ? new Response(null, { status: 204 }) : await handle(request, context)
    const added: Record<string, string> = {}
    if (origin !== null && accepts(origin)) {
      added['access-control-allow-origin'] = origins === '*' ? '*' : origin
      if (credentials) added['access-control-allow-credentials'] = 'true'
      if (isPreflight) Object.assign(added, preflight)
      else added['access-control-expose-headers'] = 'retry-after'
    }
    const result = new Response(response.body, response)
    // NOTE: a cache must not serve one origin's response to another
    if (origins !== '*') result.headers.append('vary', 'origin')
    for (const [name, value] of Object.entries(added)) result.headers.set(name, value)
    return result
  }
}
