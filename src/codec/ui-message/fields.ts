import { headers, type Headers } from '../../core/wire'
import { isPlainObject, type PlainObject } from '../../core/collections'
import { parseJson, toHeader } from '../json'
import type { Opaque } from './family'

const isProviderMetadata = (value: unknown): boolean =>
  isPlainObject(value) && Object.values(value).every(isPlainObject)
const isFlag = (value: unknown): boolean => typeof value === 'boolean'
const isThere = (value: unknown): boolean => value !== undefined && value !== null

/** Fields that travel as JSON, and what counts as one of them. All others are text. */
const structured = new Map<string, (value: unknown) => boolean>([
  ['providerMetadata', isProviderMetadata],
  ['toolMetadata', isPlainObject],
  ['messageMetadata', isThere],
  ['approvalDescriptor', isThere],
  ['providerExecuted', isFlag],
  ['preliminary', isFlag],
  ['isAutomatic', (value) => value === true],
])

/** Some fields of a chunk or part as codec headers; what is absent stays absent. */
export function pack<T extends object>(source: T, kind: string, names: readonly (keyof T & string)[]): Headers {
  const packed: Record<string, string | undefined> = { kind }
  for (const name of names) {
    const value: unknown = source[name]
    if (isThere(value)) packed[name] = structured.has(name) ? toHeader(value) : String(value)
  }
  return headers(packed)
}

/** Fields read back, under other names where `as` has one; those that are missing or malformed are left out. */
export function unpack(codec: Headers, opaque: Opaque, names: readonly string[], as: Headers = {}): PlainObject {
  const fields: PlainObject = {}
  for (const name of names) {
    const value = read(name, codec[name])
    if (value !== undefined) fields[as[name] ?? name] = opaque(value)
  }
  return fields
}

function read(name: string, text: string | undefined): unknown {
  const fits = structured.get(name)
  if (!fits) return text
  const value = parseJson(text)
  return fits(value) ? value : undefined
}
