import type { IncomingMessage, ServerResponse } from 'node:http'
import { intersect, readCapability, writeCapability, type Capability } from '../auth/capability'
import type { TokenDetails } from '../auth/token'
import type { Service } from '../service'
import { ProtocolError, toErrorInfo } from '../wire/error'
import type { Middleware } from './node'
import { isWelcome } from './origin'

/** Options of a token route. */
export interface TokenRouteOptions {
  /** Path of the route. */
  path: string
  /** Client id of the agent. No browser gets a token for it. */
  agentClientId: string
  /** Upper bound of a token's capability. A request may ask for less. */
  capability: Record<string, readonly string[]>
}

const COOKIE = 'local-ably-client'

/**
 * Answers `GET path?clientId=bob` with a token for that identity. Without one it creates a guest and recognises it by
 * a cookie, so that a renewed token is for the same guest.
 */
export function tokenRoute(service: Service, options: TokenRouteOptions): Middleware {
  const allowed = readCapability(options.capability)
  return (request, response, next) => {
    const url = URL.parse(request.url ?? '/', 'http://localhost')
    if (url?.pathname !== options.path) return next()
    response.setHeader('Content-Type', 'application/json')
    response.setHeader('Cache-Control', 'no-store')
    try {
      checkCaller(request, service.origins)
      const clientId = url.searchParams.get('clientId') ?? guestOf(request) ?? newGuest(service, response)
      checkClientId(clientId, options.agentClientId)
      const token = issue(service, clientId, allowed, url.searchParams.get('capability'))
      response.end(JSON.stringify(token))
    } catch (error) {
      const info = toErrorInfo(error)
      response.statusCode = info.statusCode
      response.end(JSON.stringify({ error: info }))
    }
  }
}

function issue(service: Service, clientId: string, allowed: Capability, asked: string | null): TokenDetails {
  const capability = asked ? intersect(readCapability(asked), allowed) : allowed
  return service.tokens.issue(service.keys.first, { clientId, capability: writeCapability(capability) })
}

function checkCaller(request: IncomingMessage, origins: readonly string[]) {
  const { method, headers } = request
  if (method !== 'GET') throw new ProtocolError(40_500, 405, 'unable to issue token; use GET')
  const isForeign = headers['sec-fetch-site'] === 'cross-site' && headers.origin === undefined
  if (isForeign || !isWelcome(request, origins)) {
    throw new ProtocolError(40_300, 403, 'unable to issue token; pages of this origin are not accepted')
  }
}

function checkClientId(clientId: string, agentClientId: string) {
  if (clientId === agentClientId) throw new ProtocolError(40_012, 403, `clientId "${agentClientId}" is for the agent`)
  if (!/^[^\p{C}*]{1,64}$/u.test(clientId)) {
    throw new ProtocolError(40_012, 400, 'invalid clientId; use 1 to 64 printable characters and no *')
  }
}

function newGuest(service: Service, response: ServerResponse): string {
  const clientId = `guest-${service.ids(8)}`
  response.setHeader('Set-Cookie', `${COOKIE}=${clientId}; Path=/; HttpOnly; SameSite=Strict`)
  return clientId
}

function guestOf({ headers }: IncomingMessage): string | undefined {
  const [, value] = new RegExp(`(?:^|;\\s*)${COOKIE}=(guest-[A-Za-z0-9]+)`).exec(headers.cookie ?? '') ?? []
  return value
}
