import type { Channel } from '../channel/channel'
import type { Channels } from '../channel/channels'
import type { Change, Entry } from '../channel/log'
import { MAX_WINDOW } from '../channel/rollup'
import type { StoredMessage } from '../channel/message'
import { lock } from './lock'
import { JournalFile } from './journal-file'
import type { Journal } from './journal'
import type { Identity, JournalRecord } from './records'

/** The minimum growth of a file before it is rewritten, in bytes. */
const MIN_GROWTH = 64 * 1024 * 1024

/** How many answers are remembered for clients that repeat publishes after a restart. */
const MAX_ANSWERS = 10_000

/** The serials of publishes, by the place of the publish on its connection. */
export type Answers = ReadonlyMap<number, readonly string[]>

/** Keeps channels in a file, so that a restart continues them, also after a crash. */
export class Store implements Journal {
  /** The identity that this start shares with the start before. */
  readonly identity: Identity
  /** The latest serial of earlier starts. */
  readonly lastSerial: string
  readonly #file: JournalFile
  readonly #unlock: () => void
  readonly #answers = new Map<string, readonly string[]>()
  #past: readonly JournalRecord[]
  #channels?: Channels

  /** @throws Error if the file cannot be opened, is damaged, or in use by another process */
  constructor(path: string, fresh: () => Identity) {
    this.#unlock = lock(path)
    const { file, records } = openOr(path, this.#unlock)
    const [first] = records
    this.#file = file
    this.#past = records
    this.identity = first?.kind === 'start' ? first : fresh()
    this.lastSerial = records.reduce((last, record) => later(last, serialOf(record)), '')
  }

  /** Restores all channels and rewrites the file without outdated records. */
  restore(channels: Channels) {
    const unsure = unsureSince(this.#past)
    for (const record of this.#past) this.#redo(record, channels)
    for (const channel of channels) channel.goOn(unsure)
    this.#past = []
    this.#channels = channels
    this.#rewrite(channels)
  }

  /** The answers to the publishes of a lost connection. */
  answersOf(connectionId: string): Answers {
    const own = [...this.#answers].filter(([origin]) => origin.startsWith(`${connectionId}:`))
    return new Map(own.map(([origin, serials]) => [Number(origin.slice(connectionId.length + 1)), serials]))
  }

  floor(channel: string, serial: string) {
    this.#append({ kind: 'floor', channel, serial })
  }

  publish(channel: string, serial: string, messages: readonly StoredMessage[], origin?: string) {
    this.#append({ kind: 'publish', channel, serial, messages: [...messages], origin })
    this.#remember(origin, serialsOf(messages))
  }

  change(channel: string, target: Entry, change: Change, origin?: string) {
    this.#append({ kind: 'change', channel, target: target.serial, change, origin })
    this.#remember(origin, [change.version.serial])
  }

  moved(channel: string, target: Entry) {
    this.#append({ kind: 'moved', channel, target: target.serial, serial: target.changedAt })
  }

  forget(channel: string) {
    this.#append({ kind: 'forget', channel })
  }

  /** Records an orderly end and closes the file. */
  close() {
    this.#append({ kind: 'stop' })
    this.#channels = undefined
    this.#file.close()
    this.#unlock()
  }

  #append(record: JournalRecord) {
    // NOTE: restored records are in the file already
    if (!this.#channels) return
    if (this.#file.grown > Math.max(MIN_GROWTH, 2 * this.#channels.bytes)) this.#rewrite(this.#channels)
    this.#file.append(record)
  }

  #rewrite(channels: Channels) {
    this.#file.grown = 0
    // NOTE: held appends are in the file, but not in the channels yet
    channels.flush()
    this.#file.replace(this.#snapshot(channels))
  }

  *#snapshot(channels: Channels): Generator<JournalRecord> {
    const { boot, secret, key } = this.identity
    yield { kind: 'start', boot, secret, key }
    for (const [origin, serials] of this.#answers) yield { kind: 'answer', origin, serials }
    for (const channel of channels) {
      yield { kind: 'floor', channel: channel.name, serial: channel.log.floor }
      for (const { message, versions, changedAt, changedBy, othersAt } of channel.log.read({ forwards: true })) {
        yield {
          kind: 'entry',
          channel: channel.name,
          message,
          versions,
          at: changedAt,
          by: changedBy,
          others: othersAt,
        }
      }
    }
  }

  #redo(record: JournalRecord, channels: Channels) {
    if (record.kind === 'start' || record.kind === 'stop') return
    if (record.kind === 'answer') return this.#remember(record.origin, record.serials)
    if (record.kind === 'forget') return channels.drop(record.channel)
    if (record.kind === 'publish') this.#remember(record.origin, serialsOf(record.messages))
    if (record.kind === 'change') this.#remember(record.origin, [record.change.version.serial])
    redo(channels.bringBack(record.channel), record)
  }

  #remember(origin: string | undefined, serials: readonly string[]) {
    if (origin === undefined) return
    this.#answers.set(origin, serials)
    const [oldest] = this.#answers.keys()
    if (oldest !== undefined && this.#answers.size > MAX_ANSWERS) this.#answers.delete(oldest)
  }
}

function openOr(path: string, giveUp: () => void) {
  try {
    return JournalFile.open(path)
  } catch (error) {
    giveUp()
    throw error
  }
}

type ChannelRecord = Exclude<JournalRecord, { kind: 'start' | 'stop' | 'forget' | 'answer' }>

function redo(channel: Channel, record: ChannelRecord) {
  const { log } = channel
  switch (record.kind) {
    case 'floor':
      return log.breakContinuity(record.serial)
    case 'publish':
      return channel.takeBack(record.serial, record.messages)
    case 'entry':
      return channel.restore(record)
  }
  const entry = log.find(record.target)
  if (!entry) return
  if (record.kind === 'change') log.redo(entry, record.change)
  else log.move(entry, record.serial)
}

const serialsOf = (messages: readonly StoredMessage[]) => messages.map(({ serial }) => serial)

const later = (a: string, b: string) => (a > b ? a : b)

function serialOf(record: JournalRecord): string {
  if (record.kind === 'change') return record.change.version.serial
  if (record.kind === 'entry') return later(record.at, record.message.version.serial)
  return 'serial' in record ? record.serial : ''
}

/** The time after which a crash may have kept acknowledged changes from subscribers, in ms since the epoch. */
function unsureSince(records: readonly JournalRecord[]): number {
  const last = records.findLast((record) => record.kind === 'change' || record.kind === 'stop')
  return last?.kind === 'change' ? last.change.version.timestamp - 2 * MAX_WINDOW : Infinity
}
