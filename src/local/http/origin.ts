import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Whether a host name (without port) is this machine. */
export const isLoopback = (hostname: string) => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname)

/**
 * Whether a page of this origin may talk to the endpoint: no origin (not a browser), one on loopback, a listed one, or
 * the endpoint's own if its host is an IP address. A host name is not enough, because any name can be made to point to
 * this machine.
 */
function isAllowedOrigin(origin: string | undefined, host: string | undefined, listed: readonly string[]) {
  if (origin === undefined || listed.includes(origin)) return true
  const url = URL.parse(origin)
  return url !== null && (isLoopback(url.hostname) || (url.host === host && isAddress(url.hostname)))
}

/**
 * Whether a request may be answered. A page whose own host name points to this machine has that name as its host and
 * sends no origin when it reads.
 */
export function isWelcome(request: IncomingMessage, listed: readonly string[]): boolean {
  const host = hostOf(request)
  return isAllowedOrigin(request.headers.origin, host, listed) && isAllowedHost(host, listed)
}

/**
 * Whether a `Host` header names this machine, an IP address or a listed origin, not a foreign name that points here.
 */
function isAllowedHost(host: string | undefined, listed: readonly string[]): boolean {
  const hostname = URL.parse(`http://${host}`)?.hostname
  if (hostname === undefined) return false
  return (
    isLoopback(hostname) || isAddress(hostname) || listed.some((origin) => URL.parse(origin)?.hostname === hostname)
  )
}

/** The host that a request was sent to, with its port. HTTP/2 has a separate header for it. */
function hostOf({ headers }: IncomingMessage): string | undefined {
  const host = headers.host ?? headers[':authority']
  return typeof host === 'string' ? host : undefined
}

const isAddress = (hostname: string) => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0

const METHODS = 'GET,POST,PUT,PATCH,DELETE'
const EXPOSED = 'Link,X-Ably-ErrorCode,X-Ably-ErrorMessage,X-Ably-Version,Content-Type'

/** Headers that let a page of that origin read an answer. The SDK sends credentials, so `*` would not do. */
export function corsHeaders(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return {}
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': EXPOSED,
    Vary: 'Origin',
  }
}

/** Headers that let it send the request in the first place. */
export function preflightHeaders(origin: string | undefined, asked: string | undefined): Record<string, string> {
  return {
    ...corsHeaders(origin),
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Allow-Headers': asked ?? 'authorization,content-type,x-ably-version,ably-agent,x-ably-clientid',
    'Access-Control-Max-Age': '600',
  }
}
