import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Whether a host name (no port) means this machine. */
export const isLoopback = (hostname: string) => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname)

/**
 * Whether a page of this origin may talk to the endpoint: no origin (not a browser), one on loopback, a listed one, or
 * the endpoint's own if its host is an IP address. A host name would not do for that: any name can be made to point to
 * this machine.
 */
function isAllowedOrigin(origin: string | undefined, host: string | undefined, listed: readonly string[]) {
  if (origin === undefined || listed.includes(origin)) return true
  const url = URL.parse(origin)
  return url !== null && (isLoopback(url.hostname) || (url.host === host && isAddress(url.hostname)))
}

/**
 * Whether a request may be answered: a page that made a name of its own point here has that name as its host, and sends
 * no origin with what it reads.
 */
export function isWelcome(request: IncomingMessage, listed: readonly string[]): boolean {
  const host = hostOf(request)
  return isAllowedOrigin(request.headers.origin, host, listed) && isAllowedHost(host, listed)
}

/** Whether a `Host` header names this machine, an IP address or a listed origin, not some name made to point here. */
function isAllowedHost(host: string | undefined, listed: readonly string[]): boolean {
  const hostname = URL.parse(`http://${host}`)?.hostname
  if (hostname === undefined) return false
  return (
    isLoopback(hostname) || isAddress(hostname) || listed.some((origin) => URL.parse(origin)?.hostname === hostname)
  )
}

/** The host that a request was sent to, with its port. HTTP/2 has it in a header of its own. */
function hostOf({ headers }: IncomingMessage): string | undefined {
  const host = headers.host ?? headers[':authority']
  return typeof host === 'string' ? host : undefined
}

const isAddress = (hostname: string) => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
