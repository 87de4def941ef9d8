import { stampClientId, type Identity } from '../auth/identity'
import { ProtocolError } from '../wire/error'
import type { IncomingMessage } from './message'

/** The client or request that publishes. */
export interface Publisher {
  identity: Identity
  /** Absent over REST. */
  connectionId?: string
  /** Over REST: finds the connection of a secret key that a message holds. */
  connectionOf?: (key: string) => { connectionId: string; identity: Identity } | undefined
  /** Appends are merged within so many ms; 0 never merges. */
  window: number
  /** Start of the ids of messages that have none. */
  idBase: string
}

/** The client and connection that a message is stamped with. */
export interface Source {
  clientId?: string
  connectionId?: string
}

/**
 * The source of a message: its publisher or, over REST, the connection of its secret key.
 * @throws ProtocolError 40006 for a key of no connection, 40012 if the clientId may not be used or is not the
 * connection's
 */
export function sourceOf({ identity, connectionId, connectionOf }: Publisher, message: IncomingMessage): Source {
  const clientId = stampClientId(identity, message.clientId)
  if (connectionId !== undefined || message.connectionKey === undefined) return { clientId, connectionId }
  const connection = connectionOf?.(message.connectionKey)
  if (!connection) throw new ProtocolError(40_006, 400, 'unable to publish for a connection; no such key')
  const bound = connection.identity.clientId
  if (bound !== undefined && bound !== clientId) {
    throw new ProtocolError(40_012, 400, 'unable to publish for a connection; its clientId is another')
  }
  return { clientId, connectionId: connection.connectionId }
}
