import { reasonOf } from '../core/errors'
import { errorResponse, HttpError } from './http'

// NOTE: described by shape instead of imported from `node:http`, so that this entry also runs where there is no Node

/** A request of Node's `http`, as Express and Connect pass it on. */
export interface NodeRequest extends AsyncIterable<unknown> {
  readonly method?: string
  readonly url?: string
  /** The URL before a router cut its own path off. */
  readonly originalUrl?: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket?: object | null
  /** Whether the body was read by another handler. */
  readonly readableDidRead?: boolean
  /** The body as a parser such as `express.json()` left it. */
  readonly body?: unknown
}

/** A response of Node's `http`. */
export interface NodeResponse {
  statusCode: number
  /** Whether another handler has responded. */
  readonly headersSent?: boolean
  setHeader(name: string, value: string | readonly string[]): unknown
  end(body?: Uint8Array): unknown
}

/** A handler for Node's `http`, Express, Connect and Vite's middlewares. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void

type FetchHandler = ((request: Request) => Promise<Response>) | { fetch: (request: Request) => Promise<Response> }

/**
 * Turns an agent, or a route such as {@link tokenRoute}, into a handler for Node's `http`, Express 4 and 5, Connect and
 * Vite's middlewares. It works with and without `express.json()` before it.
 *
 * @example
 * createServer(toNodeHandler(agent)).listen(3000)
 * @example
 * app.post('/api/agent', toNodeHandler(agent))
 */
export function toNodeHandler(handler: FetchHandler): NodeHandler {
  const handle = typeof handler === 'function' ? handler : handler.fetch
  return (request, response) => {
    void respond(async () => handle(toRequest(request)), response)
  }
}

async function respond(answer: () => Promise<Response>, response: NodeResponse): Promise<void> {
  const read = async (result: Response) => ({ result, body: new Uint8Array(await result.arrayBuffer()) })
  const { result, body } = await answer()
    .then(read)
    .catch((error: unknown) => read(errorResponse(error)))
  // NOTE: a middleware that limits the time has responded meanwhile
  if (response.headersSent) return
  response.statusCode = result.status
  const cookies = result.headers.getSetCookie()
  for (const [name, value] of result.headers) if (name !== 'set-cookie') response.setHeader(name, value)
  if (cookies.length > 0) response.setHeader('set-cookie', cookies)
  response.end(body)
}

function toRequest(request: NodeRequest): Request {
  const { method = 'GET' } = request
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    // NOTE: names of HTTP/2's own headers begin with a colon
    if (value !== undefined && !name.startsWith(':')) for (const each of [value].flat()) headers.append(name, each)
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const init = { method, headers, ...(hasBody && { body: bodyOf(request), duplex: 'half' }) }
  return new Request(urlOf(request), init)
}

function urlOf({ headers, socket, originalUrl, url = '/' }: NodeRequest): string {
  const scheme = socket && 'encrypted' in socket && socket.encrypted ? 'https' : 'http'
  const host = headers.host ?? headers[':authority'] ?? 'localhost'
  try {
    return new URL(originalUrl ?? url, `${scheme}://${String(host)}`).href
  } catch (cause) {
    throw new HttpError(400, `unable to read the request; its URL or host is not valid: ${reasonOf(cause)}`)
  }
}

function bodyOf(request: NodeRequest): BodyInit {
  const { body, readableDidRead } = request
  if (!(readableDidRead ?? body !== undefined)) return streamOf(request)
  if (body === undefined) {
    throw new HttpError(
      400,
      'unable to read the request; another handler has read its body and not kept it. Place the agent before that handler, or use express.json()',
    )
  }
  return typeof body === 'string' || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body)
}

function streamOf(request: NodeRequest): ReadableStream<Uint8Array> {
  const chunks = request[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array))
    },
    // NOTE: nothing to do when reading stops early: ending the iterator would cut the connection before the response is
    // sent
  })
}
