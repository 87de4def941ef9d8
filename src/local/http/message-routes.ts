import { namespaceOf } from '../channel/channel-name'
import { readHistory, readList } from '../channel/history'
import type { Entry } from '../channel/log'
import { writeMessage, type StoredMessage } from '../channel/message'
import { preparePublish } from '../channel/publish'
import { badRequest, notFound, ProtocolError } from '../wire/error'
import { isRecord, MessageAction } from '../wire/protocol'
import { authorize, openChannel, restPublisher, type Reply, type RouteContext } from './context'

/** POST /channels/{name}/messages */
export async function publish(context: RouteContext): Promise<Reply> {
  const body = context.body()
  return await publishAll(context, Array.isArray(body) ? body : [body], ({ serials, idBase }) => ({
    status: 201,
    body: { channel: context.params[0], messageId: idBase, serials },
  }))
}

/** PATCH /channels/{name}/messages/{serial}: updates, deletes or appends. */
export async function changeMessage(context: RouteContext): Promise<Reply> {
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
  const { service, params, query } = context
  const identity = await authorize(context)
  if (/^true$/i.test(query.get('_forceNack') ?? '')) throw new ProtocolError(40_099, 400, 'refused as asked for')
  const idBase = service.ids(12)
  const publisher = restPublisher(service, identity, idBase)
  const { verdict, run } = preparePublish(service, publisher, params[0], messages)
  await verdict.until
  return toReply({ serials: run(), idBase })
}

/** GET /channels/{name}/messages */
export async function history(context: RouteContext): Promise<Reply> {
  const channel = await openChannel(context, 'history')
  const horizon = channel && context.service.horizon(namespaceOf(channel.name))
  const page = readHistory((range) => channel?.log.read(range) ?? [], context.query, horizon)
  return { body: page.items.map(({ message }) => toWire(context)(message)), page: { ...page, path: 'messages' } }
}

/** GET /channels/{name}/messages/{serial} */
export async function message(context: RouteContext): Promise<Reply> {
  return { body: toWire(context)((await findEntry(context)).message) }
}

/** GET /channels/{name}/messages/{serial}/versions */
export async function versions(context: RouteContext): Promise<Reply> {
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

const toWire =
  ({ format }: RouteContext) =>
  (item: StoredMessage) =>
    writeMessage(item, format)
