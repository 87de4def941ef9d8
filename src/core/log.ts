import { warn } from './diagnostics'
import { type Piece, type Row, type RowHome, unsent } from './rows'
import { firstAbove, SortedList } from './collections'
import { RowForms, rowsOf, versionIn, type CompactRows } from './compact-rows'
import {
  Header,
  isClients,
  MessageName,
  nameOf,
  noHeaders,
  readEnvelope,
  statusOf,
  type ChannelMessage,
  type Envelope,
  type Headers,
} from './wire'

/**
 * The effect of a message on its row. `grew`: only `data` or the stream's status changed; `replaced`: any field may
 * differ from the headers `before`.
 */
type RowChange = { row: Row; kind: 'added' | 'grew' } | { row: Row; kind: 'replaced'; before: Headers }

export const isStreamed = (row: Row): boolean => row.transport[Header.streamed] === 'true'

/** Whether a row is part of a message. */
export const isContent = ({ name }: Row): boolean => name === MessageName.input || name === MessageName.output

/** Whether only an agent publishes such rows; their headers speak for a run. */
export const isAgents = ({ name, transport }: Row): boolean =>
  !isClients(name) && transport[Header.invocationId] !== undefined

/** Whether more of this row is expected. */
export const isOpen = (row: Row): boolean =>
  row.transport[Header.status] === 'streaming' && isStreamed(row) && !row.deleted

/** Whether only reading the row again can tell all of it. */
export const isUnsettled = (row: Row): boolean => isOpen(row) || (row.partial && !row.deleted)

/**
 * The channel as a table, serial -> row. Live delivery, history, a late join and a replay all end in the same table,
 * whatever their order: a create adds, an append lengthens, an update replaces, an older or equal version does nothing.
 */
export class Log {
  /** Rows by serial, but for those of settled nodes. */
  readonly #rows = new Map<string, Row>()
  /** Rows of settled nodes. */
  // NOTE: an entry for each of them would take as much room as the row
  readonly #compact = new SortedList<CompactRows>({ keyOf: firstOf })
  /** The lowest and the highest serial that they have had. */
  #lowest = unsent
  #highest = ''
  readonly #forms = new RowForms()
  /** The highest serial held; empty when there is none. */
  newest = ''

  readonly #isAgent: ((clientId: string | undefined) => boolean) | undefined

  constructor(isAgent?: (clientId: string | undefined) => boolean) {
    this.#isAgent = isAgent
  }

  get(serial: string): Row | undefined {
    const compact = this.#rows.has(serial) ? undefined : this.#find(serial)
    if (compact) this.expand(compact)
    return this.#rows.get(serial)
  }

  has(serial: string): boolean {
    return this.#rows.has(serial) || this.#find(serial) !== undefined
  }

  /** The compact rows that include this one. */
  #find(serial: string): CompactRows | undefined {
    // NOTE: almost every row that is looked for is newer than all of them, or older
    if (serial > this.#highest || serial < this.#lowest) return undefined
    const all = this.#compact.sorted()
    let at = firstAbove(all, firstOf, serial) - 1
    while (at >= 0 && versionIn(all[at]!, serial) === undefined) at--
    return all[at]
  }

  /** All rows. */
  *rows(): Generator<Row> {
    yield* this.#rows.values()
    for (const compact of this.#compact.sorted()) yield* rowsOf(compact)
  }

  /** Keeps the rows of a settled node in little room. */
  compact(rows: readonly Row[], home: RowHome): CompactRows {
    const compact = this.#forms.compact(rows, home, this)
    this.#compact.add(compact)
    if (compact.first < this.#lowest) this.#lowest = compact.first
    const last = rows.at(-1)!.serial
    if (last > this.#highest) this.#highest = last
    for (const { serial } of rows) this.#rows.delete(serial)
    return compact
  }

  /** Gives the rows of a settled node back to it, because they are needed. */
  expand(compact: CompactRows): void {
    const rows = rowsOf(compact)
    this.#compact.remove(compact)
    for (const row of rows) this.#rows.set(row.serial, row)
    compact.home.expand?.(rows)
  }

  /** Drops a row; hearing it again would add it again. */
  forget(row: Row): void {
    this.#rows.delete(row.serial)
  }

  /** Folds one message in; undefined when it is foreign, malformed or brings nothing new. */
  apply(message: ChannelMessage): RowChange | undefined {
    const { serial } = message
    if (typeof serial !== 'string' || serial === '' || !isVersion(message)) return undefined
    const held = this.#rows.get(serial)
    const compact = held ? undefined : this.#find(serial)
    if (compact && versionOf(message, serial) <= versionIn(compact, serial)!) return undefined
    const row = compact ? this.get(serial) : held
    if (!row) return this.#add(serial, message)
    return revise(row, message, this.#isRow(message, row) ? readEnvelope : unread)
  }

  /** Whether history would give this version as a row: not one that is renamed to what does not count. */
  #isRow({ name: given }: ChannelMessage, { name: held, clientId }: Row): boolean {
    if (given === undefined || given === held) return true
    const name = nameOf(given)
    return name !== undefined && this.#counts(name, clientId)
  }

  /** Whether a client may publish messages of this name. */
  #counts(name: MessageName, clientId: string | undefined): boolean {
    return !this.#isAgent || isClients(name) || this.#isAgent(clientId)
  }

  #add(serial: string, message: ChannelMessage): RowChange | undefined {
    const isAppend = message.action === 'message.append'
    // NOTE: appends carry no name; only outputs are ever streamed
    const given = isAppend && message.name === undefined ? MessageName.output : nameOf(message.name)
    const envelope = (given && readEnvelope(message.extras)) ?? graveOf(message)
    const name = given ?? MessageName.output
    const clientId = typeof message.clientId === 'string' ? message.clientId : undefined
    if (!envelope) return undefined
    if (!this.#counts(name, clientId)) {
      warn('answersIgnored', clientId)
      return undefined
    }
    const version = versionOf(message, serial)
    const row: Row = {
      serial,
      version: version === serial ? serial : version,
      name,
      transport: envelope.transport,
      codec: envelope.codec,
      data: message.data,
      clientId,
      timestamp: typeof message.timestamp === 'number' ? message.timestamp : 0,
      partial: isAppend,
      deleted: message.action === 'message.delete',
      home: undefined,
      part: undefined,
    }
    if (isAppend && typeof message.data === 'string') row.pieces = [{ from: version, version, data: message.data }]
    this.#rows.set(serial, row)
    if (serial > this.newest) this.newest = serial
    return { row, kind: 'added' }
  }
}

const versions: readonly unknown[] = [undefined, 'message.create', 'message.update', 'message.append', 'message.delete']

/** Whether a message is a version of a row; other messages tell about it, as the summary of its annotations does. */
const isVersion = ({ action }: ChannelMessage): boolean => versions.includes(action)

const firstOf = ({ first }: CompactRows): string => first

/** Keeps a message that was deleted before it was received, so that its older versions do not show. */
const graveOf = ({ action, name }: ChannelMessage): Envelope | undefined =>
  action === 'message.delete' && (name === undefined || nameOf(name))
    ? { transport: noHeaders, codec: noHeaders }
    : undefined

const versionOf = (message: ChannelMessage, serial: string): string => {
  const version = message.version?.serial
  return typeof version === 'string' ? version : serial
}

/** Reads the headers of a version; undefined for one that history would not give as a row. */
type Reader = (extras: unknown) => Envelope | undefined

const unread: Reader = () => undefined

function revise(row: Row, message: ChannelMessage, read: Reader): RowChange | undefined {
  const version = versionOf(message, row.serial)
  const isAppend = message.action === 'message.append'
  if (version > row.version)
    return isAppend ? append(row, message, version, read) : replace(row, message, version, read)
  if (isAppend) return undefined
  if (version === row.version) return row.partial ? replace(row, message, version, read) : undefined
  return row.pieces ? begin(row, row.pieces, message, version) : undefined
}

/** Puts the text from history before the text that was appended since. */
function begin(
  row: Row,
  pieces: Required<Row>['pieces'],
  { data }: ChannelMessage,
  version: string,
): RowChange | undefined {
  if (typeof data !== 'string' || !isStreamed(row)) return undefined
  if (row.beginning !== undefined && version <= row.beginning) return undefined
  const later = pieces.filter((piece) => piece.version > version)
  // Joined pieces cannot be divided again
  if (later[0] && later[0].from <= version) return undefined
  row.beginning = version
  row.pieces = later
  row.data = data + later.map((piece) => piece.data).join('')
  return { row, kind: 'grew' }
}

// NOTE: history is as of now or as of attaching, so it ends within the newest pieces or before them all
const maxPieces = 200

const joined = (a: Piece, b: Piece): Piece => ({ from: a.from, version: b.version, data: a.data + b.data })

// NOTE: a version that cannot be read is no row in history either, so the row is deleted until one that can be read
function append(row: Row, message: ChannelMessage, version: string, read: Reader): RowChange | undefined {
  const { data, extras, name } = message
  const { transport: before, name: former, deleted: wasDeleted } = row
  const status = statusOf(extras)
  // NOTE: only agents stream, so only an agent's further headers need not be read
  if (status === undefined || status !== before[Header.status] || wasDeleted || read === unread || isClients(former)) {
    const envelope = read(extras)
    if (!envelope && extras === undefined && read !== unread) return undefined
    Object.assign(row, envelope, { deleted: !envelope })
  }
  row.version = version
  if (typeof data === 'string' && data !== '') {
    row.data = typeof row.data === 'string' ? row.data + data : data
    if (row.pieces) lengthen(row.pieces, { from: version, version, data })
  }
  if (!row.deleted) row.name = nameOf(name) ?? former
  return changed(row, before, wasDeleted || row.name !== former)
}

/** Adds a piece; of too many, the oldest become one, so that nothing can be put between them any more. */
function lengthen(pieces: Piece[], piece: Piece): void {
  if (pieces.push(piece) > maxPieces) pieces.unshift(pieces.splice(0, 2).reduce(joined))
}

function replace(row: Row, { action, extras, data, name }: ChannelMessage, version: string, read: Reader): RowChange {
  const { transport: before, deleted: wasDeleted, name: former } = row
  const envelope = read(extras)
  const deleted = action === 'message.delete' || !envelope
  Object.assign(row, envelope, { version, data, deleted, partial: false })
  if (row.pieces) row.pieces = undefined
  // NOTE: a name that is not the publisher's to use must not be the row's, or it would count the next time
  if (!deleted) row.name = nameOf(name) ?? former
  return changed(row, before, wasDeleted || row.name !== former)
}

const changed = (row: Row, before: Headers, isOther: boolean): RowChange =>
  isStreamed(row) && !row.deleted && !isOther && sameStream(before, row.transport)
    ? { row, kind: 'grew' }
    : { row, kind: 'replaced', before }

/** Whether a later version is of the same part of the same message, so that only its text has grown. */
const sameStream = (before: Headers, next: Headers): boolean =>
  before === next || streamIdentity.every((header) => before[header] === next[header])

const streamIdentity = [
  Header.streamed,
  Header.streamId,
  Header.messageId,
  Header.runId,
  Header.stepId,
  Header.attempt,
  Header.inputId,
  Header.parent,
  Header.steers,
]
