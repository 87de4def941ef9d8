import * as Header from './headers'
import { isPlainObject } from './collections'

/**
 * The names on the channel. They are spelled here and in `headers.ts`, and nowhere else: the rest of the library reads
 * `row.transport[Header.runId]`, so a change of the protocol is a change of these files.
 */
export const MessageName = {
  input: 'ai-input',
  output: 'ai-output',
  runStart: 'ai-run-start',
  runResume: 'ai-run-resume',
  runSuspend: 'ai-run-suspend',
  runEnd: 'ai-run-end',
  stepStart: 'ai-step-start',
  stepEnd: 'ai-step-end',
  cancel: 'ai-cancel',
  // NOTE: these two are of this library alone, so not `ai-`: other versions take unknown names of that kind for a newer
  // protocol
  cancelRefused: 'x-ai-cancel-refused',
  answersUsed: 'x-ai-answers-used',
} as const

export type MessageName = (typeof MessageName)[keyof typeof MessageName]

/** Keys of `extras.ai.transport`; a module of constants, which builds put in place of their names. */
export { Header }

export type Headers = Readonly<Record<string, string>>

/** How a streamed record stands. */
export type StreamStatus = 'streaming' | 'complete' | 'cancelled'

/** The part of an Ably message that this library reads; Ably's `InboundMessage` fits. */
export interface ChannelMessage {
  id?: string
  name?: string
  data?: unknown
  extras?: unknown
  clientId?: string
  timestamp?: number
  serial?: string
  action?: string
  version?: { serial?: string; timestamp?: number }
}

/** A message that this library publishes; Ably's `Message` fits. */
export interface OutgoingMessage {
  id?: string
  name?: string
  data?: unknown
  extras: { ai: { transport: Headers; codec?: Headers }; ephemeral?: true; headers?: Headers }
}

export interface Envelope {
  transport: Headers
  codec: Headers
}

const knownNames: readonly MessageName[] = Object.values(MessageName)

/** A name as it is spelled here; undefined when it is none of this protocol. */
// NOTE: a search of the list, because a map would first hash the text of every message
export const nameOf = (name: unknown): MessageName | undefined =>
  typeof name === 'string' ? knownNames[knownNames.indexOf(name as MessageName)] : undefined

/** Whether messages of this name are published by clients; all others are an agent's. */
export const isClients = (name: MessageName): boolean => name === MessageName.input || name === MessageName.cancel

export const noHeaders: Headers = Object.freeze({})
const maxHeaderCount = 200
const maxHeaderChars = 16_384

/** The `ai` part of a message's extras, unread; undefined for foreign messages. */
function aiExtras(extras: unknown): { transport?: unknown; codec?: unknown } | undefined {
  const ai = (extras as { ai?: unknown } | null | undefined)?.ai
  return isPlainObject(ai) ? ai : undefined
}

/** The stream status a message carries, read without looking at its other headers: the token path uses this. */
export function statusOf(extras: unknown): string | undefined {
  const transport = aiExtras(extras)?.transport
  const status = isPlainObject(transport) && transport[Header.status]
  return typeof status === 'string' ? status : undefined
}

/** Headers and codec headers of a message; undefined when it is foreign or beyond the limits (200 entries, 16 kB). */
export function readEnvelope(extras: unknown): Envelope | undefined {
  const ai = aiExtras(extras)
  const transport = readHeaders(ai?.transport)
  const codec = ai?.codec === undefined ? noHeaders : readHeaders(ai.codec)
  return transport && codec && { transport, codec }
}

/** Whether readers take all headers of a message. */
export function isReadable({ ai }: OutgoingMessage['extras']): boolean {
  const read = readEnvelope({ ai })
  // Headers that are not strings are dropped, and then the object is another
  return read?.transport === ai.transport && read.codec === (ai.codec ?? noHeaders)
}

/** Whether a message is of this protocol but not of a version that this library reads. */
export function isNewer({ name, extras }: ChannelMessage): boolean {
  if (typeof name !== 'string' || !name.startsWith('ai-')) return false
  if (!nameOf(name)) return true
  const ai = aiExtras(extras)
  return ai !== undefined && !isPlainObject(ai.transport)
}

/** The software that published a message, if the message names it. */
export function agentOf({ extras }: ChannelMessage): string | undefined {
  const { agent } = (aiExtras(extras) ?? {}) as { agent?: unknown }
  return typeof agent === 'string' ? agent : undefined
}

/** Whether a message brings another version of a prompt. */
export const isEdit = ({ name, extras }: ChannelMessage): boolean =>
  name === MessageName.input && readEnvelope(extras)?.transport[Header.forkOf] !== undefined

function readHeaders(given: unknown): Headers | undefined {
  if (!isPlainObject(given)) return undefined
  let count = 0
  let chars = 0
  let isClean = true
  for (const key in given) {
    const value = given[key]
    count++
    if (typeof value === 'string') chars += key.length + value.length
    else isClean = false
  }
  if (count > maxHeaderCount || chars > maxHeaderChars) return undefined
  if (isClean) return given as Headers
  return Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === 'string')) as Headers
}

/** Drops headers that are undefined: on the wire, absent means absent. */
export function headers(entries: Record<string, string | undefined>): Headers {
  const result: Record<string, string> = {}
  for (const key in entries) if (entries[key] !== undefined) result[key] = entries[key]
  return result
}

/** A random UUID; as many random digits on pages served over plain http, where `crypto.randomUUID` is missing. */
export const newId = (): string =>
  crypto.randomUUID?.() ??
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')

/** This package's version, named in the channel's `agent` parameter. */
export const version = '0.1.0'
