import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { connect } from '../connection/connect'
import { corsHeaders, isWelcome, preflightHeaders } from './origin'
import { handleRest, refuseOrigin, refuseSize, type RestResponse } from './rest'
import { isRestPath } from './routes'
import type { Service } from '../service'

/** Answers a request, or calls `next` if it is not for the endpoint. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** A server that clients ask to upgrade to WebSocket. */
export interface UpgradeSource {
  on(event: 'upgrade', listener: UpgradeListener): unknown
  off(event: 'upgrade', listener: UpgradeListener): unknown
  listenerCount(event: 'upgrade'): number
}

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Serves REST on a Node server. With `shared`, only the endpoint's own paths, and never the pages of a browser. */
export function restMiddleware(service: Service, { shared }: { shared: boolean }): Middleware {
  return (request, response, next) => {
    const url = urlOf(request)
    // NOTE: an app may have routes like /channels/...; a browser that opens them requests HTML, the SDK never does
    const isPage = request.headers.accept?.includes('text/html')
    const isOurs = !shared || (url && isRestPath(url.pathname, isFromSdk(request)) && !isPage)
    if (!isOurs) return next()
    serve(service, request, url)
      .then((result) => reply(response, result))
      .catch(() => response.destroy())
  }
}

/** Whether a request, or the one that a preflight asks for, carries the SDK's version. */
const isFromSdk = ({ headers }: IncomingMessage) =>
  headers['x-ably-version'] !== undefined ||
  (headers['access-control-request-headers']?.includes('x-ably-version') ?? false)

async function serve(service: Service, request: IncomingMessage, url: URL | null): Promise<RestResponse> {
  const { method = 'GET', headers } = request
  const { origin } = headers
  if (!isWelcome(request, service.origins)) return refuseOrigin(origin ?? headers.host ?? '')
  if (method === 'OPTIONS') {
    const asked = headers['access-control-request-headers']
    return { status: 204, headers: preflightHeaders(origin, asked), body: new Uint8Array() }
  }
  const body = await readBody(request, service.limits.maxFrameSize)
  const response = body
    ? await handleRest(service, { method, url: url ?? new URL('http://localhost/'), header: headerOf(request), body })
    : refuseSize(service.limits.maxFrameSize)
  return { ...response, headers: { ...response.headers, ...corsHeaders(origin) } }
}

/**
 * Accepts WebSocket clients on a Node server. With `shared`, other upgrades (such as Vite's) are left alone.
 * @returns a function that stops it and closes the sockets after their last frame
 */
export function acceptUpgrades(service: Service, server: UpgradeSource, { shared }: { shared: boolean }) {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: service.limits.maxFrameSize,
    clientTracking: false,
  })
  const open = new Set<Duplex>()
  const onUpgrade: UpgradeListener = (request, socket, head) => {
    const url = urlOf(request)
    const isOurs = url?.pathname === '/' && (!shared || isAblyUpgrade(request, url.searchParams))
    // NOTE: an unanswered upgrade hangs, and browsers open no other one to the same server meanwhile
    const hasOwner = shared && server.listenerCount('upgrade') > 1
    if (!isOurs) return hasOwner ? undefined : refuseUpgrade(socket, '404 Not Found')
    if (!isWelcome(request, service.origins)) return refuseUpgrade(socket, '403 Forbidden')
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    sockets.handleUpgrade(request, socket, head, (client) => void connect(service, client, url.searchParams))
  }
  server.on('upgrade', onUpgrade)
  return () => {
    server.off('upgrade', onUpgrade)
    // NOTE: a client that does not answer must not keep the server from closing
    for (const socket of open) socket.end(() => socket.destroy())
  }
}

const isAblyUpgrade = (request: IncomingMessage, query: URLSearchParams) =>
  request.headers['sec-websocket-protocol'] === undefined &&
  ['v', 'key', 'access_token'].some((name) => query.has(name))

function refuseUpgrade(socket: Duplex, status: string) {
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

const urlOf = (request: IncomingMessage) => URL.parse(request.url ?? '/', 'http://localhost')

const headerOf = (request: IncomingMessage) => (name: string) => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The whole body, or `undefined` if it is larger than allowed. */
/** Reads a body; undefined if it is larger than `max` bytes. */
export async function readBody(request: IncomingMessage, max: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  // NOTE: read to the end even if it is too large, since a client may not look for an answer before it has sent all
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.byteLength
    if (size <= max) chunks.push(bytes)
  }
  return size <= max ? Buffer.concat(chunks) : undefined
}

function reply(response: ServerResponse, { status, headers, body }: RestResponse) {
  if (response.destroyed) return
  response.writeHead(status, { ...headers, 'Content-Length': String(body.byteLength) })
  response.end(body)
}
