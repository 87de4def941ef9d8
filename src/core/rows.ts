import { bySerial } from './collections'
import { warn } from './diagnostics'
import type { ChannelMessage, Headers, MessageName } from './wire'

/** The message with one serial, as Ably's history would return it. */
export interface Row {
  /** Position in the channel; empty for an optimistic prompt whose echo has not arrived. */
  readonly serial: string
  /** Serial of the newest version folded in. */
  version: string
  name: MessageName
  transport: Headers
  codec: Headers
  /** Full data so far. */
  data: unknown
  /** Ably-verified publisher. */
  readonly clientId: string | undefined
  /** Milliseconds since the epoch, by Ably's clock. */
  readonly timestamp: number
  /** First met through an append, so only reading it again makes certain that nothing of it is missing. */
  partial: boolean
  /** The appends to a partial row, oldest first. */
  pieces?: Piece[]
  /** The version up to which history has told it. */
  beginning?: string
  deleted: boolean
  /** Where the tree put this row. */
  home?: RowHome
  /** The message part that this row feeds, so that growing it touches nothing else. */
  part?: object
}

/** The text of one or several consecutive appends. */
export interface Piece {
  readonly from: string
  readonly version: string
  readonly data: string
}

/** The owner of a row; the log itself does not look inside. */
export interface RowHome {
  readonly key: string
  /** The message that it follows. */
  readonly parent?: string | undefined
  /** Takes back the rows that it has let the log keep in little room. */
  expand?(rows: readonly Row[]): void
}

/** Above every serial: the level of prompts that the channel does not have yet. */
export const unsent = '\uffff'

/**
 * One row outside its channel, JSON-safe: serial, version ('' when it equals the serial), name, transport headers,
 * codec headers, client id, timestamp in milliseconds, flags, and data where there is any. Reading it gives the channel
 * message that history would return, so a row folds like history.
 */
export type RowTuple = readonly [
  serial: string,
  version: string,
  name: string,
  transport: Headers,
  codec: Headers,
  clientId: string | null,
  timestamp: number,
  flags: number,
  data?: unknown,
]

/** Rows that the app has kept, as readers know them. */
export interface RowReader {
  /**
   * The newest rows before a serial, in the order of their serials; fewer than `limit` when there are no older ones.
   */
  read(options: {
    /** The full channel name, such as `ai:trip`. */
    sessionName: string
    /** Only rows with a serial below this one. @default the newest rows */
    before?: string
    /** The largest number of rows. @default 100 */
    limit?: number
  }): Promise<readonly RowTuple[]>
}

/** The rows of a session as one JSON-safe value, for the first page of a server or for storage. */
export interface SessionRows {
  /** Version of this format. */
  readonly v: 1
  /** Serial up to which the rows are complete; catching up begins here. */
  readonly until: string
  /** Texts that the rows share. */
  readonly texts: readonly string[]
  /** In the order of their serials. */
  readonly rows: readonly PackedRow[]
}

/**
 * A row tuple with places in `texts` for its name, header entries and client id; its time counts from the row before.
 */
type PackedRow = readonly [
  serial: string,
  version: string,
  name: number,
  transport: readonly number[],
  codec: readonly number[],
  clientId: number,
  time: number,
  flags: number,
  data?: unknown,
]

/** The place of an absent client id. */
const nowhere = -1
/** The version of the format of packed rows. */
export const rowsFormat = 1

const Flag = { deleted: 1, binary: 2 } as const

/** The row as a tuple. A deleted row keeps nothing but the fact, so that its older versions do not show. */
export function tupleOf(row: Row): RowTuple {
  const { serial, name, timestamp, deleted, clientId = null } = row
  const version = row.version === serial ? '' : row.version
  if (deleted) return [serial, version, name, {}, {}, clientId, timestamp, Flag.deleted]
  const { transport, codec, data } = row
  const bytes = bytesOf(data)
  const tuple = [serial, version, name, transport, codec, clientId, timestamp, bytes ? Flag.binary : 0] as const
  if (data === undefined) return tuple
  return [...tuple, bytes ? toBase64(bytes) : data]
}

/**
 * All rows of a session in the order of their serials, as tuples. Rows of which only the end is known are left out:
 * reading them again completes them.
 */
export const tuplesOf = (rows: Iterable<Row>): RowTuple[] =>
  [...rows]
    .filter(({ partial, serial }) => !partial && serial !== '')
    .toSorted(bySerial)
    .map(tupleOf)

/** The channel message that history would return for a row. */
export function messageOf(tuple: RowTuple): ChannelMessage {
  const [serial, version, name, transport, codec, clientId, timestamp, flags, data] = tuple
  const isDeleted = (flags & Flag.deleted) > 0
  return {
    serial,
    version: { serial: version || serial },
    name,
    action: isDeleted ? 'message.delete' : version ? 'message.update' : 'message.create',
    timestamp,
    data: flags & Flag.binary ? fromBase64(data as string) : data,
    ...(clientId !== null && { clientId }),
    ...(!isDeleted && { extras: { ai: { transport, codec } } }),
  }
}

/** @param until - the serial up to which the rows are complete */
export function packRows(tuples: readonly RowTuple[], until: string): SessionRows {
  const texts: string[] = []
  const places = new Map<string, number>()
  const place = (text: string): number => {
    const known = places.get(text) ?? texts.length
    if (known === texts.length) places.set(text, texts.push(text) - 1)
    return known
  }
  const placeAll = (headers: Headers): number[] => Object.entries(headers).flat().map(place)
  let time = 0
  const rows = tuples.map(
    ([serial, version, name, transport, codec, clientId, timestamp, flags, ...data]): PackedRow => {
      const since = timestamp - time
      time = timestamp
      const author = clientId === null ? nowhere : place(clientId)
      return [serial, version, place(name), placeAll(transport), placeAll(codec), author, since, flags, ...data]
    },
  )
  return { v: rowsFormat, until, texts, rows }
}

/**
 * The messages of packed rows in the order of their serials; undefined for a value that this version cannot read.
 *
 * @param session - the session that the rows must belong to, by its full channel name
 */
export function unpackRows(
  packed: unknown,
  session?: string,
): { until: string; messages: ChannelMessage[] } | undefined {
  const ignore = (owner?: string): undefined => warn('rowsIgnored', packed, rowsFormat, owner)
  try {
    const { v, session: owner, until, texts, rows } = packed as SessionRows & { session?: string }
    if (v !== rowsFormat) return ignore()
    if (session !== undefined && owner !== session) return ignore(session)
    let time = 0
    const messages = rows.map(([serial, version, name, transport, codec, clientId, since, flags, ...data]) => {
      time += since
      const headers = [transport, codec].map((places) => headersAt(places, texts)) as [Headers, Headers]
      return messageOf([
        checked(serial),
        version,
        checked(texts[name]),
        ...headers,
        texts[clientId] ?? null,
        time,
        flags,
        ...data,
      ])
    })
    return { until: checked(until), messages }
  } catch {
    // It, or some part of it, is of another shape
    return ignore()
  }
}

function headersAt(places: readonly number[], texts: readonly string[]): Headers {
  const entries: [string, string][] = []
  for (let i = 0; i < places.length; i += 2) entries.push([checked(texts[places[i]!]), checked(texts[places[i + 1]!])])
  return Object.fromEntries(entries)
}

/**
 * A text. @throws for another value: rows that were damaged must not count as read, since history is not read again for
 * them.
 */
function checked(text: unknown): string {
  if (typeof text === 'string') return text
  throw new TypeError('not a text')
}

const bytesOf = (data: unknown): Uint8Array | undefined =>
  data instanceof ArrayBuffer ? new Uint8Array(data) : data instanceof Uint8Array ? data : undefined

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
