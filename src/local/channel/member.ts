import { badRequest } from '../wire/error'
import type { Format } from '../wire/format'
import { readExtras, readId, sizeOf } from './message'
import { byteLength, readPayload, writePayload, type Payload } from './payload'
import { isRecord, PresenceAction, text } from '../wire/protocol'

/** A presence message of a client, checked field by field. */
export interface IncomingPresence extends Payload {
  id?: string
  clientId?: string
  action: number
  extras?: unknown
  /** Its size, as the message limit counts it, in bytes. */
  size: number
}

/** A member, or an event of a member. Never changed in place. */
export interface PresenceMessage extends Payload {
  id: string
  clientId: string
  connectionId: string
  timestamp: number
  action: number
  extras?: unknown
}

/** A presence message and its place in the channel's order. */
export interface PresenceRecord {
  readonly serial: string
  readonly timestamp: number
  readonly message: PresenceMessage
}

const sayable = new Set<unknown>([PresenceAction.Enter, PresenceAction.Leave, PresenceAction.Update])

/**
 * Reads one item of a PRESENCE frame.
 * @throws ProtocolError 40000 or 40013 if it cannot be read
 */
export function readPresence(value: unknown): IncomingPresence {
  if (!isRecord(value)) throw badRequest('unable to read presence; not an object')
  const { action } = value
  if (typeof action !== 'number' || !sayable.has(action)) throw badRequest('unable to read presence; unknown action')
  const clientId = text(value.clientId)
  const extras = readExtras(value.extras)
  const payload = readPayload(value.data, text(value.encoding))
  const size = sizeOf('', clientId, extras) + byteLength(payload.data)
  return { ...payload, id: readId(value.id), clientId, action, extras, size }
}

/** The message as a receiver of this format expects it. */
export function writePresence(message: PresenceMessage, format: Format): object {
  return { ...message, ...writePayload(message, format) }
}

/** The key of a member: its connection and clientId. */
export const memberKey = ({ connectionId, clientId }: Pick<PresenceMessage, 'connectionId' | 'clientId'>) =>
  `${connectionId}:${clientId}`
