import { channelNameOf } from '../ably/channel-name'
import { withCors, type CorsOptions, errorResponse, HttpError, readText } from './http'
import { logError } from './errors'

/** Options of {@link tokenRoute}. */
export interface TokenRouteOptions {
  /** The Ably API key, as in `appId.keyId:secret`. It stays on the server. */
  key: string
  /**
   * The client id of the user that sends a request, for example from the session cookie. Without one, the response is
   * 401. Every device of a user gets the same client id.
   */
  user: (request: Request) => string | undefined | null | Promise<string | undefined | null>
  /**
   * The sessions that a user may use: names, or patterns such as `ai:team-7:*`. `wanted` has the sessions that the
   * client asks for with `tokenScope: 'sessions'`; it is empty when the client asks for none, and the token is then for
   * all that this returns.
   */
  sessions: (
    user: string,
    context: { request: Request; wanted: readonly string[] },
  ) => readonly string[] | Promise<readonly string[]>
  /** Client ids of agents, which no user gets. @default 'agent' */
  agents?: string | readonly string[]
  /** Ably namespace for session names without one. @default 'ai' */
  namespace?: string
  /** Seconds that a token is valid. @default 3600 */
  ttl?: number
  /** Pages of other origins that may ask for tokens. @default none */
  cors?: CorsOptions
  /** Called when `user` or `sessions` throws. @default `console.error` */
  onError?: (error: unknown) => void
}

// NOTE: apps without types may return one name, or a set of names
function namesIn(allowed: string | Iterable<string>): readonly string[] {
  const names = typeof allowed === 'string' ? [allowed] : Array.from(allowed ?? [undefined])
  if (names.every((name) => typeof name === 'string')) return names
  throw new TypeError(`unable to issue a token; "sessions" must return names, not ${JSON.stringify(allowed)}`)
}

/** In bytes: room for the names of some hundred open sessions. */
const maxBodySize = 65_536

const operations = ['subscribe', 'publish', 'history', 'presence'] as const

/**
 * Creates a fetch handler that issues Ably tokens to browsers, for `authUrl`. A token is for one user, for the sessions
 * that the user may use, and for the operations that a session needs; `tokenScope: 'sessions'` narrows it to the
 * sessions that are open. For Node and Express, wrap it in `toNodeHandler`.
 *
 * @throws Error when the key is not an Ably API key
 * @example
 * export const token = tokenRoute({
 *   key: process.env.ABLY_API_KEY!,
 *   user: async (request) => (await getUser(request))?.id,
 *   sessions: (user) => [`ai:${user}:*`],
 * })
 */
export function tokenRoute(options: TokenRouteOptions): (request: Request) => Promise<Response> {
  const { user, sessions, namespace, ttl = 3600, onError = logError } = options
  const agents = new Set([options.agents ?? 'agent'].flat())
  const [, keyName, secret] = /^([^:]+):(.+)$/.exec(options.key ?? '') ?? []
  if (!keyName || !secret) {
    throw new Error(
      'unable to create the token route; "key" must be an Ably API key as in "appId.keyId:secret", for example from process.env.ABLY_API_KEY',
    )
  }

  async function clientIdOf(request: Request): Promise<string> {
    const clientId = await user(request)
    if (!clientId) throw new HttpError(401, 'unable to issue a token; sign in first', 40_100)
    // NOTE: apps without types may have numbers as ids
    if (typeof clientId !== 'string') {
      throw new TypeError(`unable to issue a token; "user" must return a string, not ${JSON.stringify(clientId)}`)
    }
    if (agents.has(clientId)) {
      throw new HttpError(403, `unable to issue a token; client id "${clientId}" is for the agent`, 40_012)
    }
    if (clientId.includes('*')) {
      throw new HttpError(403, 'unable to issue a token; a client id must not contain "*"', 40_012)
    }
    return clientId
  }

  async function issue(request: Request): Promise<Response> {
    const asked = await capabilityAskedFor(request)
    const clientId = await clientIdOf(request)
    const wanted = Object.keys(asked ?? {})
    const allowed = namesIn(await sessions(clientId, { request, wanted }))
    const capability = leastCapability(
      asked,
      allowed.map((name) => channelNameOf(name, namespace)),
    )
    if (Object.keys(capability).length === 0) {
      const list = wanted.length > 0 ? wanted.map((name) => `"${name}"`).join(', ') : 'any session'
      throw new HttpError(403, `unable to issue a token; "${clientId}" may not use ${list}`, 40_160)
    }
    const seconds = Math.floor(Date.now() / 1000)
    const claims = {
      iat: seconds,
      exp: seconds + ttl,
      'x-ably-capability': JSON.stringify(capability),
      'x-ably-clientId': clientId,
    }
    const token = await sign({ typ: 'JWT', alg: 'HS256', kid: keyName }, claims, secret!)
    return new Response(token, { headers: { 'content-type': 'application/jwt' } })
  }

  async function handle(request: Request): Promise<Response> {
    const response = await issue(request).catch((error: unknown) => {
      if (!(error instanceof HttpError)) onError(error)
      return errorResponse(error)
    })
    response.headers.set('cache-control', 'no-store')
    return response
  }
  return withCors(handle, options.cors, 'GET, POST')
}

type Capability = Record<string, readonly string[]>

/** The capability that a client asks for, by `authUrl` with either method; undefined when it asks for none. */
async function capabilityAskedFor(request: Request): Promise<Capability | undefined> {
  if (request.method !== 'GET' && request.method !== 'POST') {
    throw new HttpError(405, `unable to accept ${request.method}; use GET or POST`, undefined, { allow: 'GET, POST' })
  }
  const inUrl = new URL(request.url).searchParams.get('capability')
  const text =
    inUrl ??
    (request.method === 'POST' ? new URLSearchParams(await readText(request, maxBodySize)).get('capability') : null)
  if (!text) return undefined
  try {
    const capability: unknown = JSON.parse(text)
    const entries = Object.entries(capability as object)
    if (entries.every(([, value]) => Array.isArray(value))) return Object.fromEntries(entries)
  } catch {
    // NOTE: answered below, like JSON of another shape
  }
  throw new HttpError(400, 'unable to issue a token; "capability" is not a JSON object of channels and operations')
}

/** The operations on allowed channels that were asked for; all of them if nothing was. */
function leastCapability(asked: Capability | undefined, allowed: readonly string[]): Capability {
  const granted = new Map<string, Set<string>>()
  for (const [wanted, wantedOperations] of Object.entries(asked ?? { '*': ['*'] })) {
    const isWanted = (operation: string) => wantedOperations.includes(operation) || wantedOperations.includes('*')
    for (const name of allowed) {
      const channel = covers(name, wanted) ? wanted : covers(wanted, name) ? name : undefined
      if (channel === undefined) continue
      const list = granted.get(channel) ?? new Set()
      for (const operation of operations) if (isWanted(operation)) list.add(operation)
      if (list.size > 0) granted.set(channel, list)
    }
  }
  return Object.fromEntries(Array.from(granted, ([channel, list]) => [channel, [...list]]))
}

/** Whether a channel name or pattern covers another. A pattern ends in `:*`, or is `*`. */
const covers = (pattern: string, name: string): boolean =>
  pattern === name || pattern === '*' || (pattern.endsWith(':*') && name.startsWith(pattern.slice(0, -1)))

async function sign(header: object, claims: object, secret: string): Promise<string> {
  const encoder = new TextEncoder()
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const content = [header, claims].map((part) => base64Url(encoder.encode(JSON.stringify(part)))).join('.')
  const signature = await crypto.subtle.sign('HMAC', key, encoder.encode(content))
  return `${content}.${base64Url(new Uint8Array(signature))}`
}

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
