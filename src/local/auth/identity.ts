import { allows, type Capability } from './capability'
import { notPermitted, ProtocolError } from '../wire/error'
import type { Grant } from './token'

/** The identity of a connection or request. */
export interface Identity {
  grant: Grant
  /** Its clientId, if it has one. */
  clientId?: string
}

/**
 * The identity for a grant and a clientId that the client asserts.
 * @throws ProtocolError 40012 for an empty or `*` assertion, 40102 if the grant is for another clientId
 */
export function identify(grant: Grant, asserted: string | undefined): Identity {
  if (asserted === undefined) return { grant, clientId: grant.clientId === '*' ? undefined : grant.clientId }
  if (asserted === '' || asserted === '*') throw invalidClientId('must be a name of its own')
  if (grant.clientId !== '*' && grant.clientId !== asserted) {
    throw new ProtocolError(40_102, 401, 'the clientId differs from that of the token')
  }
  return { grant, clientId: asserted }
}

/**
 * The clientId that a message is stamped with.
 * @throws ProtocolError 40012 if the publisher may not use that clientId
 */
export function stampClientId({ grant, clientId }: Identity, explicit: string | undefined): string | undefined {
  if (explicit === undefined || explicit === clientId) return clientId
  if (clientId !== undefined) throw invalidClientId('differs from that of the connection')
  if (grant.clientId !== '*') throw invalidClientId('may not be set by an anonymous client')
  if (explicit === '' || explicit === '*') throw invalidClientId('must be a name of its own')
  return explicit
}

/**
 * Throws unless a capability allows one of the operations.
 * @throws ProtocolError 40160
 */
export function permit(capability: Capability, channel: string, ...operations: readonly string[]) {
  if (operations.some((operation) => allows(capability, channel, operation))) return
  throw notPermitted(`operation not permitted with the provided capability; ${operations[0]} on ${channel}`)
}

const invalidClientId = (reason: string) => new ProtocolError(40_012, 400, `invalid clientId; it ${reason}`)
