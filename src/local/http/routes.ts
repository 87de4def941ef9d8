import type { Credentials } from '../auth/authenticator'
import { readChannelName } from '../channel/channel-name'
import { badRequest, notFound } from '../wire/error'
import type { Format } from '../wire/format'
import { readHistory, readLimit, type Page } from '../channel/history'
import { identify, permit, type Identity } from '../auth/identity'
import type { Entry } from '../channel/log'
import { writeMessage, type StoredMessage } from '../channel/message'
import { Flag, isRecord, MessageAction } from '../wire/protocol'
import { preparePublish } from '../channel/publish'
import type { Service } from '../service'

/** What a route works with. */
export interface RouteContext {
  service: Service
  /** The variable parts of the path, decoded. */
  params: readonly string[]
  query: URLSearchParams
  /** The format that the answer will be written in. */
  format: Format
  credentials(): Credentials
  /** The clientId that the request asserts. */
  asserted: string | undefined
  /** The body as a value; `undefined` if there is none. */
  body(): unknown
}

/** What a route answers. */
export interface Reply {
  body: unknown
  /** @default 200 */
  status?: number
  /** For lists: where the next page is. */
  page?: Pick<Page<unknown>, 'current' | 'next'> & { path: string }
  /** Always JSON, whatever the request accepts. */
  isJson?: boolean
}

type Route = (context: RouteContext) => Reply | Promise<Reply>

const routes: readonly [method: string, path: RegExp, route: Route][] = [
  ['GET', /^\/time$/, ({ service }) => ({ body: [service.now()], isJson: true })],
  ['GET', /^\/stats$/, stats],
  ['POST', /^\/keys\/([^/]+)\/requestToken$/, requestToken],
  ['POST', /^\/channels\/([^/]+)\/messages$/, publish],
  ['GET', /^\/channels\/([^/]+)\/(?:messages|history)$/, history],
  ['GET', /^\/channels\/([^/]+)\/messages\/([^/]+)$/, message],
  ['PATCH', /^\/channels\/([^/]+)\/messages\/([^/]+)$/, changeMessage],
  ['GET', /^\/channels\/([^/]+)\/messages\/([^/]+)\/versions$/, versions],
  ['GET', /^\/channels\/([^/]+)\/presence(?:\/history)?$/, presence],
  ['GET', /^\/channels\/([^/]+)$/, status],
]

/** Whether a path is one that the endpoint answers, by whatever method. */
export const isRestPath = (pathname: string) => routes.some(([, pattern]) => pattern.test(pathname))

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

async function authorize({ service, credentials, asserted }: RouteContext): Promise<Identity> {
  return identify(await service.auth.check(credentials()), asserted)
}

/** The channel that a path names, if there is one, once the operation on it is allowed. */
async function openChannel(context: RouteContext, operation: string) {
  const { grant } = await authorize(context)
  const { name } = readChannelName(context.params[0])
  permit(grant.capability, name, operation)
  return context.service.channels.find(name)
}

async function stats(context: RouteContext): Promise<Reply> {
  await authorize(context)
  return { body: [] }
}

async function requestToken({ service, params, credentials, body }: RouteContext): Promise<Reply> {
  const key = service.keys.get(params[0] ?? '')
  const given = credentials()
  const isBasic = given.key !== undefined && (await service.auth.check({ key: given.key })).keyName === key.name
  const details = service.tokens.issue(key, service.tokenRequests.read(body(), key, isBasic))
  return { status: 201, body: details, isJson: true }
}

async function publish(context: RouteContext): Promise<Reply> {
  const body = context.body()
  return await publishAll(context, Array.isArray(body) ? body : [body], ({ serials, idBase }) => ({
    status: 201,
    body: { channel: context.params[0], messageId: idBase, serials },
  }))
}

async function changeMessage(context: RouteContext): Promise<Reply> {
  const body = context.body()
  if (!isRecord(body)) throw badRequest('unable to read message; not an object')
  const change = { action: MessageAction.Update, ...body, serial: context.params[1] }
  return await publishAll(context, [change], ({ serials: [versionSerial] }) => ({ body: { versionSerial } }))
}

async function publishAll(
  context: RouteContext,
  messages: readonly unknown[],
  toReply: (result: { serials: string[]; idBase: string }) => Reply,
): Promise<Reply> {
  const { service, params } = context
  const identity = await authorize(context)
  const idBase = service.ids(12)
  const { verdict, run } = preparePublish(service, { identity, window: 0, idBase }, params[0], messages)
  await verdict.until
  return toReply({ serials: run(), idBase })
}

async function history(context: RouteContext): Promise<Reply> {
  const channel = await openChannel(context, 'history')
  const page = readHistory(channel?.log, context.query)
  return { body: page.items.map(toWire(context)), page: { ...page, path: 'messages' } }
}

async function message(context: RouteContext): Promise<Reply> {
  return { body: toWire(context)((await findEntry(context)).message) }
}

async function versions(context: RouteContext): Promise<Reply> {
  const { versions: all } = await findEntry(context)
  const limit = readLimit(context.query)
  const from = Number(context.query.get('cursor') ?? 0)
  const next = new URLSearchParams(context.query)
  next.set('cursor', String(from + limit))
  const page = { current: context.query, next: from + limit < all.length ? next : undefined, path: 'versions' }
  return { body: all.slice(from, from + limit).map(toWire(context)), page }
}

async function findEntry(context: RouteContext): Promise<Entry> {
  const channel = await openChannel(context, 'history')
  const entry = channel?.log.find(context.params[1] ?? '')
  if (!entry) throw notFound(`message ${context.params[1]} not found`)
  return entry
}

/** Presence is not kept yet: nobody is there. */
async function presence(context: RouteContext): Promise<Reply> {
  await openChannel(context, 'subscribe')
  return { body: [], page: { current: context.query, path: 'presence' } }
}

async function status(context: RouteContext): Promise<Reply> {
  const channel = await openChannel(context, 'channel-metadata')
  const attachments = [...(channel?.attachments ?? [])]
  const having = (mode: number) => attachments.filter((attachment) => attachment.has(mode)).length
  const metrics = {
    connections: attachments.length,
    publishers: having(Flag.Publish),
    subscribers: having(Flag.Subscribe),
    presenceConnections: having(Flag.Presence),
    presenceMembers: 0,
    presenceSubscribers: having(Flag.PresenceSubscribe),
  }
  const isActive = attachments.length > 0
  return { body: { channelId: context.params[0], status: { isActive, occupancy: { metrics } } } }
}

const toWire =
  ({ format }: RouteContext) =>
  (item: StoredMessage) =>
    writeMessage(item, format)
