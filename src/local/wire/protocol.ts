/** Protocol version that this endpoint answers with on REST. */
export const PROTOCOL_VERSION = '6'

/** Kinds of frames. */
export const Action = {
  Heartbeat: 0,
  Ack: 1,
  Nack: 2,
  Connected: 4,
  Disconnect: 5,
  Disconnected: 6,
  Close: 7,
  Closed: 8,
  Error: 9,
  Attach: 10,
  Attached: 11,
  Detach: 12,
  Detached: 13,
  Presence: 14,
  Message: 15,
  Sync: 16,
  Auth: 17,
} as const

/** Kinds of messages. */
export const MessageAction = { Create: 0, Update: 1, Delete: 2, Append: 5 } as const

/** Kinds of presence messages. */
export const PresenceAction = { Present: 1, Enter: 2, Leave: 3, Update: 4 } as const

/** Bits of the `flags` field in ATTACH and ATTACHED. */
export const Flag = {
  HasPresence: 1 << 0,
  HasBacklog: 1 << 1,
  Resumed: 1 << 2,
  AttachResume: 1 << 5,
  Presence: 1 << 16,
  Publish: 1 << 17,
  Subscribe: 1 << 18,
  PresenceSubscribe: 1 << 19,
  AnnotationPublish: 1 << 21,
  AnnotationSubscribe: 1 << 22,
} as const

/** A received frame. The values of its fields are not validated yet. */
export interface ClientFrame {
  action: number
  id?: string
  channel?: string
  channelSerial?: string
  msgSerial?: number
  flags: number
  params: ReadonlyMap<string, string>
  messages: readonly unknown[]
  presence: readonly unknown[]
  accessToken?: string
}

/** A frame to send. Fields left `undefined` are not sent. */
export interface ServerFrame {
  action: number
  [field: string]: unknown
}

type Fields = Readonly<Record<string, unknown>>

/** Narrows to an object with unknown fields: not null, not an array, not bytes. */
export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** The value if it is a string. */
export const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** The value if it is an integer of at least 0. */
export const count = (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined

/** Reads a decoded frame; `undefined` if it is not one. Fields of a wrong type count as absent. */
export function readFrame(value: unknown): ClientFrame | undefined {
  if (!isRecord(value) || count(value.action) === undefined) return undefined
  return {
    action: Number(value.action),
    id: text(value.id),
    channel: text(value.channel),
    channelSerial: text(value.channelSerial),
    msgSerial: count(value.msgSerial),
    flags: count(value.flags) ?? 0,
    params: readParams(value.params),
    messages: Array.isArray(value.messages) ? value.messages : [],
    presence: Array.isArray(value.presence) ? value.presence : [],
    accessToken: isRecord(value.auth) ? text(value.auth.accessToken) : undefined,
  }
}

/** Parameters by name. Clients may hand over numbers and flags as they are. */
function readParams(value: unknown): ReadonlyMap<string, string> {
  if (!isRecord(value)) return new Map()
  return new Map(Object.entries(value).flatMap(([key, item]) => (isScalar(item) ? [[key, String(item)]] : [])))
}

const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value)
