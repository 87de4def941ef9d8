import { stampClientId } from '../auth/identity'
import type { Service } from '../service'
import { ProtocolError } from '../wire/error'
import type { IncomingMessage } from './message'
import type { Publisher } from './publish'

/** Who a message is said to come from. */
export interface Source {
  clientId?: string
  connectionId?: string
}

/**
 * Who a message comes from: its publisher or, over REST, the connection whose secret key it carries.
 * @throws ProtocolError 40006 for a key of no connection, 40012 if the clientId may not be used or is not the connection's
 */
export function sourceOf(service: Service, publisher: Publisher, message: IncomingMessage): Source {
  const { identity, connectionId } = publisher
  const clientId = stampClientId(identity, message.clientId)
  if (connectionId !== undefined || message.connectionKey === undefined) return { clientId, connectionId }
  const connection = service.connections.holding(message.connectionKey)
  if (!connection) throw new ProtocolError(40_006, 400, 'unable to publish for a connection; no such key')
  const bound = connection.identity.clientId
  if (bound !== undefined && bound !== clientId) {
    throw new ProtocolError(40_012, 400, 'unable to publish for a connection; its clientId is another')
  }
  return { clientId, connectionId: connection.connectionId }
}
