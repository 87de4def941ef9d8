import { isPlainObject, parseJson, type PlainObject } from '../../core/collections'
import type { Row } from '../../core/rows'
import { Header, headers, type Headers } from '../../core/wire'
import { toHeader } from '../json'

/** Marks a value that is replaced whole, so that nothing inside it is observed. */
export type Opaque = <T>(value: T) => T

/** The codec header that says how to read a row. */
export const kindOf = (row: Row): string => row.codec.kind ?? ''

/** The data of a row as text; data of another type reads as empty. */
export const textOf = (row: Row): string => (typeof row.data === 'string' ? row.data : '')

/** The id of the message that a row belongs to. */
export const messageIdOf = (row: Row): string | undefined => row.transport[Header.messageId]

const isProviderMetadata = (value: unknown): boolean =>
  isPlainObject(value) && Object.values(value).every(isPlainObject)
const isFlag = (value: unknown): boolean => typeof value === 'boolean'
const isDefined = (value: unknown): boolean => value !== undefined && value !== null

/** Fields that travel as JSON, each with the test of a valid value. All other fields travel as text. */
const structured = new Map<string, (value: unknown) => boolean>([
  ['providerMetadata', isProviderMetadata],
  ['resultProviderMetadata', isProviderMetadata],
  ['toolMetadata', isPlainObject],
  ['messageMetadata', isDefined],
  ['approvalDescriptor', isDefined],
  ['providerExecuted', isFlag],
  ['preliminary', isFlag],
  ['isAutomatic', (value) => value === true],
])

/** Fields of a row's data that are valid values of these structured fields: those that were too long for headers. */
export function unpackData(data: unknown, opaque: Opaque, names: readonly string[], as: Headers = {}): PlainObject {
  const fields: PlainObject = {}
  for (const name of names) {
    const value = isPlainObject(data) ? data[name] : undefined
    if (structured.get(name)!(value)) fields[as[name] ?? name] = opaque(value)
  }
  return fields
}

/**
 * Longest text in a header, and of all codec headers of a message, in characters: readers ignore messages beyond 16 kB.
 */
const maxText = 4_000
const maxTotal = 15_000

/** A title or an id as it fits a header. The same id is always cut the same way. */
export const clipped = (text: string): string => wellFormed(text.slice(0, maxText))

/** Text with a replacement character for each half of a character: JSON and msgpack carry halves differently. */
// NOTE: not `toWellFormed`, which browsers of early 2023 lack. With the flag `u` a half of a whole character does not
// match
export const wellFormed = <T>(data: T): T =>
  typeof data === 'string' ? (data.replace(/\p{Surrogate}/gu, '\ufffd') as T) : data

/** Codec headers of the given kind that hold these fields of a chunk or part; absent fields stay absent. */
export function pack<T extends object>(source: T, kind: string, names: readonly (keyof T & string)[]): Headers {
  const packed: Record<string, string | undefined> = { kind }
  let left = maxTotal
  // NOTE: text first, so that long metadata leaves room for ids
  for (const name of names.toSorted((a, b) => Number(structured.has(a)) - Number(structured.has(b)))) {
    const value: unknown = source[name]
    if (!isDefined(value)) continue
    packed[name] = structured.has(name) ? toHeader(value, left) : clipped(String(value))
    left -= packed[name]?.length ?? 0
  }
  return headers(packed)
}

/**
 * Reads fields back from codec headers. Missing and malformed fields are left out.
 *
 * @param as - New names for some of the fields.
 */
export function unpack(codec: Headers, opaque: Opaque, names: readonly string[], as: Headers = {}): PlainObject {
  const fields: PlainObject = {}
  for (const name of names) {
    const text = codec[name]
    if (text === undefined) continue
    const isValid = structured.get(name)
    const value = isValid ? parseJson(text) : text
    if (value !== undefined && isValid?.(value) !== false) fields[as[name] ?? name] = opaque(value)
  }
  return fields
}
