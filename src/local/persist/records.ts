import type { Change, SavedEntry } from '../channel/log'
import { writeMessage, type StoredMessage } from '../channel/message'
import { readPayload, writePayload } from '../channel/payload'

/** The identity that a restart shares with the start before. */
export interface Identity {
  /** The end of every serial. */
  boot: string
  /** Signs connection keys. */
  secret: string
  /** The key to accept if none is configured. */
  key: string
}

/** One line of the file: a change to a channel, or its state at the last rewrite. */
export type JournalRecord =
  | ({ kind: 'start' } & Identity)
  | { kind: 'floor'; channel: string; serial: string }
  | { kind: 'publish'; channel: string; serial: string; messages: StoredMessage[]; origin?: string }
  | { kind: 'change'; channel: string; target: string; change: Change; origin?: string }
  | { kind: 'moved'; channel: string; target: string; serial: string }
  | ({ kind: 'entry'; channel: string } & SavedEntry)
  | { kind: 'forget'; channel: string }
  | { kind: 'answer'; origin: string; serials: readonly string[] }
  | { kind: 'stop' }

/** A record as a line of text. Bytes are written in base64, as they are for a client that speaks JSON. */
export function writeRecord(record: JournalRecord): string {
  return `${JSON.stringify(withMessages(record, (message) => writeMessage(message, 'json') as StoredMessage, writeChange))}\n`
}

/**
 * The record of a line.
 * @throws Error if it is malformed
 */
export function readRecord(line: string): JournalRecord {
  // NOTE: the file is our own, so a line that parses is valid
  return withMessages(JSON.parse(line) as JournalRecord, readStored, (change) => ({
    ...change,
    content: readStored(change.content),
  }))
}

function withMessages(
  record: JournalRecord,
  message: (each: StoredMessage) => StoredMessage,
  change: (each: Change) => Change,
): JournalRecord {
  if (record.kind === 'publish') return { ...record, messages: record.messages.map(message) }
  if (record.kind === 'change') return { ...record, change: change(record.change) }
  if (record.kind !== 'entry') return record
  return { ...record, message: message(record.message), versions: record.versions.map(message) }
}

const writeChange = ({ action, connectionId, version, content }: Change): Change => {
  const { name, extras } = content
  return { action, connectionId, version, content: { name, extras, ...writePayload(content, 'json') } }
}

const readStored = <T extends { data?: unknown; encoding?: string }>(stored: T): T => ({
  ...stored,
  ...readPayload(stored.data, stored.encoding),
})
