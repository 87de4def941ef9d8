import { allows } from '../auth/capability'
import type { Channel } from '../channel/channel'
import { readHistory, readList } from '../channel/history'
import { memberKey, writePresence, type PresenceMessage } from '../channel/member'
import { Flag } from '../wire/protocol'
import { authorize, openChannel, type Reply, type RouteContext } from './context'

/** GET /channels/{name}: whether it is in use, and by how many. */
export async function status(context: RouteContext): Promise<Reply> {
  return { body: detailsOf(context.params[0] ?? '', await openChannel(context, 'channel-metadata')) }
}

/** GET /channels: those in use, as names (`by=id`) or with their details. */
export async function channels(context: RouteContext): Promise<Reply> {
  const { service, query } = context
  const { grant } = await authorize(context)
  const prefix = query.get('prefix') ?? ''
  const active = [...service.channels]
    .filter((channel) => isActive(channel) && channel.name.startsWith(prefix))
    .filter(({ name }) => allows(grant.capability, name, 'channel-metadata'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const page = readList(active, ({ name }) => name, query)
  const body = page.items.map((channel) => (query.get('by') === 'id' ? channel.name : detailsOf(channel.name, channel)))
  return { body, page: { ...page, path: 'channels' } }
}

const isActive = ({ attachments, presence }: Channel) => attachments.size > 0 || presence.size > 0

function detailsOf(channelId: string, channel: Channel | undefined) {
  const attachments = [...(channel?.attachments ?? [])]
  const having = (mode: number) => attachments.filter((attachment) => attachment.has(mode)).length
  const metrics = {
    connections: attachments.length,
    publishers: having(Flag.Publish),
    subscribers: having(Flag.Subscribe),
    presenceConnections: having(Flag.Presence),
    presenceMembers: channel?.presence.size ?? 0,
    presenceSubscribers: having(Flag.PresenceSubscribe),
    objectPublishers: 0,
    objectSubscribers: 0,
  }
  return { channelId, status: { isActive: channel ? isActive(channel) : false, occupancy: { metrics } } }
}

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
