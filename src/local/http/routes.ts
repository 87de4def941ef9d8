import type { Credentials } from '../auth/authenticator'
import { readChannelName } from '../channel/channel-name'
import { badRequest, notFound } from '../wire/error'
import type { Format } from '../wire/format'
import { readHistory, readList, type Page } from '../channel/history'
import { identify, permit, type Identity } from '../auth/identity'
import type { Entry } from '../channel/log'
import { memberKey, writePresence, type PresenceMessage } from '../channel/member'
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
  ['GET', /^\/channels\/([^/]+)\/presence$/, presence],
  ['GET', /^\/channels\/([^/]+)\/presence\/history$/, presenceHistory],
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
  const log = (await openChannel(context, 'history'))?.log
  const page = readHistory((range) => log?.read(range) ?? [], context.query)
  return { body: page.items.map(({ message }) => toWire(context)(message)), page: { ...page, path: 'messages' } }
}

async function message(context: RouteContext): Promise<Reply> {
  return { body: toWire(context)((await findEntry(context)).message) }
}

async function versions(context: RouteContext): Promise<Reply> {
  const entry = await findEntry(context)
  const page = readList(entry.versions, ({ version }) => version.serial, context.query)
  return { body: page.items.map(toWire(context)), page: { ...page, path: 'versions' } }
}

async function findEntry(context: RouteContext): Promise<Entry> {
  const channel = await openChannel(context, 'history')
  const entry = channel?.log.find(context.params[1] ?? '')
  if (!entry) throw notFound(`message ${context.params[1]} not found`)
  return entry
}

async function presence(context: RouteContext): Promise<Reply> {
  const { query, format } = context
  const channel = await openChannel(context, 'subscribe')
  const page = readList(channel?.presence.members.filter(isAskedFor(query)) ?? [], memberKey, query)
  return { body: page.items.map((member) => writePresence(member, format)), page: { ...page, path: 'presence' } }
}

const isAskedFor = (query: URLSearchParams) => (member: PresenceMessage) =>
  (query.get('clientId') ?? member.clientId) === member.clientId &&
  (query.get('connectionId') ?? member.connectionId) === member.connectionId

async function presenceHistory(context: RouteContext): Promise<Reply> {
  const channel = await openChannel(context, 'history')
  const page = readHistory((range) => channel?.presence.read(range) ?? [], context.query)
  const body = page.items.map((record) => writePresence(record.message, context.format))
  return { body, page: { ...page, path: 'history' } }
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
    presenceMembers: channel?.presence.size ?? 0,
    presenceSubscribers: having(Flag.PresenceSubscribe),
  }
  const isActive = attachments.length > 0 || metrics.presenceMembers > 0
  return { body: { channelId: context.params[0], status: { isActive, occupancy: { metrics } } } }
}

const toWire =
  ({ format }: RouteContext) =>
  (item: StoredMessage) =>
    writeMessage(item, format)
