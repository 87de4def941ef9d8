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
