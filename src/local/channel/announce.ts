import { permit, stampClientId } from '../auth/identity'
import type { App } from '../app'
import { ProtocolError } from '../wire/error'
import type { Channel } from './channel'
import { readPresence, type IncomingPresence, type PresenceMessage } from './member'
import { checkSize } from './message'
import type { Publisher } from './publisher'

/** A publisher of presence, for itself or for members that it acts for. */
type Announcer = Publisher & { connectionId: string }

const MAX_BATCH = 1_000

/**
 * Carries out the presence messages of a frame, all or none.
 * @throws ProtocolError 40012 (no clientId), 40160 (not allowed), 91003 (too many), or an error of the reader
 */
export function announce(app: App, announcer: Announcer, channel: Channel, values: readonly unknown[]) {
  permit(announcer.identity.grant.capability, channel.name, 'presence')
  if (values.length > MAX_BATCH)
    throw new ProtocolError(40_000, 400, 'unable to read presence; too many messages at once')
  const incoming = values.map(readPresence)
  checkSize(incoming, app.limits.maxMessageSize)
  const timestamp = app.now()
  const messages = incoming.map((item, i) => toMessage(announcer, item, i, timestamp))
  const { presence } = channel
  if (presence.sizeAfter(messages) > Math.max(app.limits.maxMembers, presence.size)) {
    throw new ProtocolError(91_003, 400, `unable to enter; the channel has its ${app.limits.maxMembers} members`)
  }
  channel.announce(announcer.connectionId, messages, announcer.idBase)
}

function toMessage(
  { identity, connectionId, idBase }: Announcer,
  { id, clientId: explicit, action, data, encoding, extras }: IncomingPresence,
  index: number,
  timestamp: number,
): PresenceMessage {
  const clientId = stampClientId(identity, explicit)
  if (clientId === undefined) throw new ProtocolError(40_012, 400, 'unable to enter without a clientId')
  // NOTE: ids order the messages of one connection, so a connection may repeat only its own ids
  const isOwn = id?.startsWith(`${connectionId}:`) ?? false
  return {
    id: isOwn && id ? id : `${idBase}:${index}`,
    clientId,
    connectionId,
    timestamp,
    action,
    data,
    encoding,
    extras,
  }
}
