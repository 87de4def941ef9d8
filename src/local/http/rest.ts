import { readCredentials } from '../auth/authenticator'
import { decode, encode, formatOf, type Format } from '../wire/format'
import { badRequest, notFound, ProtocolError, toErrorInfo } from '../wire/error'
import { linkHeader } from '../channel/history'
import { PROTOCOL_VERSION } from '../wire/protocol'
import type { Reply } from './context'
import { findRoute } from './routes'
import type { Service } from '../service'

/** An HTTP request, independent of the server. */
interface RestRequest {
  method: string
  url: URL
  /** A header by its lower-case name. */
  header(name: string): string | undefined
  body: Uint8Array
}

/** An HTTP response. */
export interface RestResponse {
  status: number
  headers: Record<string, string>
  body: Uint8Array
}

const contentTypes = { json: 'application/json', msgpack: 'application/x-msgpack' } as const

/** Answers a REST request in the format it accepts. Never throws. */
export async function handleRest(service: Service, request: RestRequest): Promise<RestResponse> {
  if (request.url.pathname.startsWith('/comet/')) return noComet()
  const envelope = request.url.searchParams.get('envelope')
  const accepts = request.header('accept')?.includes('msgpack') ? 'msgpack' : 'json'
  const format = envelope === null ? accepts : formatOf(envelope)
  try {
    const reply = await answer(service, request, format)
    const headers: Record<string, string> = reply.page ? { Link: linkHeader(reply.page, reply.page.path) } : {}
    if (envelope === null) return respond(format, reply.status ?? 200, reply.body, headers)
    return wrap(format, reply.status ?? 200, reply.body, headers)
  } catch (error) {
    const info = toErrorInfo(error)
    // NOTE: after a 5xx the SDK looks for fallback hosts, and there are none
    const headers = { 'X-Ably-ErrorCode': String(info.code), 'X-Ably-ErrorMessage': printable(info.message) }
    // NOTE: in a browser the SDK reads errors only as JSON
    const readable = request.header('origin') === undefined ? format : 'json'
    if (envelope === null) return respond(readable, info.statusCode, { error: info }, headers)
    return wrap(format, info.statusCode, { error: info }, headers)
  }
}

async function answer(service: Service, request: RestRequest, format: Format): Promise<Reply> {
  const { method, url } = request
  const found = findRoute(method, url.pathname)
  if (!found) throw notFound(`no such path; ${method} ${url.pathname.slice(0, 200)}`)
  return await found.route({
    service,
    params: found.params,
    format,
    version: Number(request.header('x-ably-version') ?? url.searchParams.get('v') ?? PROTOCOL_VERSION),
    query: withoutNoise(url.searchParams),
    credentials: () => readCredentials(request.header('authorization'), url.searchParams),
    asserted: readAsserted(request.header('x-ably-clientid'), url.searchParams),
    body: () => readBody(request),
  })
}

function readBody({ header, body }: RestRequest): unknown {
  // NOTE: d4 00 00 is how the SDK writes "no body" in msgpack
  const isNone = body.byteLength === 0 || (body.byteLength === 3 && body[0] === 0xd4)
  if (isNone) return undefined
  const type = header('content-type') ?? ''
  if (!/json|msgpack/.test(type)) throw badRequest('unable to read body; send JSON or msgpack')
  return decode(formatOf(type.includes('msgpack') ? 'msgpack' : 'json'), body)
}

function readAsserted(header: string | undefined, query: URLSearchParams): string | undefined {
  return header === undefined ? (query.get('clientId') ?? undefined) : Buffer.from(header, 'base64').toString()
}

/** The query for links, without credentials and the parameters of the SDK's transport. */
function withoutNoise(query: URLSearchParams): URLSearchParams {
  const noise = new Set(['key', 'access_token', 'accessToken', 'rnd', 'envelope', 'format', 'v'])
  return new URLSearchParams([...query].filter(([name]) => !noise.has(name)))
}

function respond(format: Format, status: number, body: unknown, headers: Record<string, string>): RestResponse {
  // NOTE: the SDK reads an error body only if the type is exactly this, without a charset
  const type = contentTypes[format]
  const always = { 'Content-Type': type, 'X-Ably-Version': PROTOCOL_VERSION, 'Cache-Control': 'no-store' }
  return { status, headers: { ...always, ...headers }, body: encode(format, body) }
}

function wrap(format: Format, statusCode: number, response: unknown, headers: Record<string, string>) {
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return respond(format, 200, { statusCode, response, headers: lower }, {})
}

/** The response to XHR polling. It is not an Ably error, because that would end the connection for good. */
const noComet = (): RestResponse => ({ status: 501, headers: { 'Content-Type': 'text/plain' }, body: new Uint8Array() })

/** The response to a page of an origin that is not accepted. */
export function refuseOrigin(origin: string): RestResponse {
  const error = toErrorInfo(new ProtocolError(40_300, 403, `pages of ${printable(origin)} are not accepted`))
  return respond('json', 403, { error }, { 'X-Ably-ErrorCode': '40300' })
}

/** The response to a body that is too large. */
export function refuseSize(max: number): RestResponse {
  const error = toErrorInfo(new ProtocolError(40_009, 413, `body is larger than the ${max} bytes allowed`))
  return respond('json', 413, { error }, { 'X-Ably-ErrorCode': '40009' })
}

const printable = (value: string) => value.replace(/[^\x20-\x7e]/g, '?')
