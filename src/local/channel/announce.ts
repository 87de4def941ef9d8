import { permit, stampClientId } from '../auth/identity'
import type { Service } from '../service'
import { ProtocolError } from '../wire/error'
import type { Channel } from './channel'
import { readPresence, type IncomingPresence, type PresenceMessage } from './member'
import { checkSize } from './message'
import type { Publisher } from './publish'

/** One who says that it, or those it acts for, are present. */
export type Announcer = Publisher & { connectionId: string }

const MAX_BATCH = 1_000

/**
 * Carries out what a client says about its presence, for all of a frame or for nothing.
 * @throws ProtocolError 40012 (who?), 40160 (not allowed), 91003 (too many), or what the reader throws
 */
export function announce(service: Service, announcer: Announcer, channel: Channel, values: readonly unknown[]) {
  permit(announcer.identity.grant.capability, channel.name, 'presence')
  if (values.length > MAX_BATCH)
    throw new ProtocolError(40_000, 400, 'unable to take so many presence messages at once')
  const incoming = values.map(readPresence)
  checkSize(incoming, service.limits.maxMessageSize)
  const timestamp = service.now()
  const messages = incoming.map((item, i) => toMessage(announcer, item, i, timestamp))
  const { presence } = channel
  if (presence.sizeAfter(messages) > Math.max(service.limits.maxMembers, presence.size)) {
    throw new ProtocolError(91_003, 400, `unable to enter; the channel has its ${service.limits.maxMembers} members`)
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
  // NOTE: an id orders what one connection says, so only one that this connection gave itself may be said again
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
