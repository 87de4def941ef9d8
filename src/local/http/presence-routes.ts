import { readHistory, readList } from '../channel/history'
import { memberKey, writePresence, type PresenceMessage } from '../channel/member'
import { openChannel, type Reply, type RouteContext } from './context'

/** GET /channels/{name}/presence */
export async function presence(context: RouteContext): Promise<Reply> {
  const { query, format } = context
  const channel = await openChannel(context, 'subscribe')
  const page = readList(channel?.presence.members.filter(isAskedFor(query)) ?? [], memberKey, query)
  return { body: page.items.map((member) => writePresence(member, format)), page: { ...page, path: 'presence' } }
}

const isAskedFor = (query: URLSearchParams) => (member: PresenceMessage) =>
  (query.get('clientId') ?? member.clientId) === member.clientId &&
  (query.get('connectionId') ?? member.connectionId) === member.connectionId

/** GET /channels/{name}/presence/history */
export async function presenceHistory(context: RouteContext): Promise<Reply> {
  const channel = await openChannel(context, 'history')
  const page = readHistory((range) => channel?.presence.read(range) ?? [], context.query)
  const body = page.items.map((record) => writePresence(record.message, context.format))
  return { body, page: { ...page, path: 'history' } }
}
