import { badRequest } from '../wire/error'
import { requestToken, revokeTokens, stats } from './auth-routes'
import { presenceBatch, publishBatch } from './batch-routes'
import { channels, status, presence, presenceHistory } from './channel-routes'
import type { Route } from './context'
import { changeMessage, history, message, publish, versions } from './message-routes'

const routes: readonly [method: string, path: RegExp, route: Route][] = [
  ['GET', /^\/time$/, ({ service }) => ({ body: [service.now()] })],
  ['GET', /^\/stats$/, stats],
  ['POST', /^\/keys\/([^/]+)\/requestToken$/, requestToken],
  ['POST', /^\/keys\/([^/]+)\/revokeTokens$/, revokeTokens],
  ['POST', /^\/messages$/, publishBatch],
  ['GET', /^\/presence$/, presenceBatch],
  ['GET', /^\/channels$/, channels],
  ['POST', /^\/channels\/([^/]*)\/messages$/, publish],
  ['GET', /^\/channels\/([^/]*)\/(?:messages|history)$/, history],
  ['GET', /^\/channels\/([^/]*)\/messages\/([^/]+)$/, message],
  ['PATCH', /^\/channels\/([^/]*)\/messages\/([^/]+)$/, changeMessage],
  ['GET', /^\/channels\/([^/]*)\/messages\/([^/]+)\/versions$/, versions],
  ['GET', /^\/channels\/([^/]*)\/presence$/, presence],
  ['GET', /^\/channels\/([^/]*)\/presence\/history$/, presenceHistory],
  ['GET', /^\/channels\/([^/]+)$/, status],
]

// NOTE: an app may have routes of these names, so on a shared server only requests of the SDK are answered
const commonPaths = new Set(['/messages', '/presence', '/channels'])

/** Whether the endpoint answers a path, with any method, to the SDK or to all clients. */
export const isRestPath = (pathname: string, isSdk: boolean) =>
  (isSdk || !commonPaths.has(pathname)) && routes.some(([, pattern]) => pattern.test(pathname))

/** The route for a request, if there is one. */
export function findRoute(method: string, pathname: string): { route: Route; params: string[] } | undefined {
  for (const [name, pattern, route] of routes) {
    const match = name === method ? pattern.exec(pathname) : null
    if (match) return { route, params: match.slice(1).map(decodePart) }
  }
  return undefined
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw badRequest('unable to read path')
  }
}
