import { badRequest, ProtocolError } from '../wire/error'
import type { Format } from '../wire/format'
import { appendData, byteLength, readPayload, writePayload, type Payload } from './payload'
import { isRecord, MessageAction, text } from '../wire/protocol'

/** Details of an update, delete or append. */
export interface Operation {
  clientId?: string
  description?: string
  metadata?: unknown
}

/** The version of a message. */
export interface Version extends Operation {
  serial: string
  timestamp: number
}

/** The parts of a message that a publisher chooses and a later operation may change. */
export interface Content extends Payload {
  name?: string
  extras?: unknown
}

/** A message as a client sent it, checked field by field. */
export interface IncomingMessage extends Content {
  id?: string
  clientId?: string
  /** Secret key of the connection to publish it for. */
  connectionKey?: string
  action: number
  /** Serial of the message that an update, delete or append changes. */
  serial?: string
  operation: Operation
  /** Its size, as the message limit counts it, in bytes. */
  size: number
}

/** A message as the log keeps it and as history returns it. Never changed in place. */
export interface StoredMessage extends Content {
  id: string
  clientId?: string
  connectionId?: string
  timestamp: number
  action: number
  serial: string
  version: Version
}

/** The longest id that a client may give, in characters. */
const MAX_ID = 2_048

/** How deep `extras` may nest. */
const MAX_DEPTH = 32

/**
 * Reads one message of a frame or request body.
 * @throws ProtocolError 40000 or 40013 if it cannot be read
 */
export function readMessage(value: unknown): IncomingMessage {
  if (!isRecord(value)) throw badRequest('unable to read message; not an object')
  const name = text(value.name)
  const clientId = text(value.clientId)
  const extras = readExtras(value.extras)
  const payload = readPayload(value.data, text(value.encoding))
  return {
    ...payload,
    id: readId(value.id),
    name,
    clientId,
    connectionKey: text(value.connectionKey),
    extras,
    action: typeof value.action === 'number' ? value.action : MessageAction.Create,
    serial: text(value.serial),
    operation: readOperation(value.version),
    size: sizeOf(name, clientId, extras) + byteLength(payload.data),
  }
}

function readOperation(value: unknown): Operation {
  if (!isRecord(value)) return {}
  if (!isShallow(value.metadata, MAX_DEPTH)) throw badRequest('unable to read metadata; nested too deep')
  return { clientId: text(value.clientId), description: text(value.description), metadata: value.metadata ?? undefined }
}

/**
 * Reads an id.
 * @throws ProtocolError 40000 if it is too long to be remembered
 */
export function readId(value: unknown): string | undefined {
  const id = text(value)
  if (id && id.length > MAX_ID) throw badRequest(`unable to read id; longer than ${MAX_ID} characters`)
  return id
}

/**
 * Reads `extras`, which may be any value.
 * @throws ProtocolError 40000 if it nests too deep
 */
export function readExtras(extras: unknown): unknown {
  if (!isShallow(extras, MAX_DEPTH)) throw badRequest('unable to read extras; nested too deep')
  return extras ?? undefined
}

/** Size of everything but the data, as the message limit counts it. */
export const sizeOf = (name = '', clientId = '', extras?: unknown) =>
  name.length + clientId.length + (extras === undefined ? 0 : JSON.stringify(extras).length)

/** The message as a receiver of this format expects it. */
export function writeMessage(message: StoredMessage, format: Format): object {
  return { ...message, ...writePayload(message, format) }
}

/** The message after an update or delete: given fields replace, the others stay. */
export function replaced(message: StoredMessage, action: number, content: Content, version: Version): StoredMessage {
  const payload = content.data === undefined ? message : content
  return {
    ...message,
    name: content.name ?? message.name,
    data: payload.data,
    encoding: payload.encoding,
    extras: content.extras ?? message.extras,
    action,
    version,
  }
}

/**
 * The message after an append: data grows, name and extras replace if given.
 * @throws ProtocolError 40013 if text meets bytes
 */
export function appended(message: StoredMessage, content: Content, version: Version): StoredMessage {
  return {
    ...message,
    name: content.name ?? message.name,
    data: appendData(message.data, content.data),
    encoding: message.encoding ?? (message.data === undefined ? content.encoding : undefined),
    extras: content.extras ?? message.extras,
    action: MessageAction.Update,
    version,
  }
}

/**
 * Throws if the messages are together larger than the limit.
 * @throws ProtocolError 40009
 */
export function checkSize(messages: readonly { size: number }[], maxMessageSize: number) {
  const size = messages.reduce((sum, message) => sum + message.size, 0)
  if (size > maxMessageSize) {
    throw new ProtocolError(40_009, 413, `message of ${size} bytes is larger than the ${maxMessageSize} allowed`)
  }
}

/** Whether a value nests no deeper than so many levels, so that every encoder can walk it. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1))
}
