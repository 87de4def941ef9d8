import { ProtocolError } from '../wire/error'
import type { Format } from '../wire/format'

/** Message data in the one form that the log keeps: text or bytes, never base64. */
export type Data = string | Uint8Array

/** Data with the encoding steps that the publisher applied, less a trailing `base64`. */
export interface Payload {
  data?: Data
  encoding?: string
}

/**
 * Reads data and encoding of a client.
 * @throws ProtocolError 40013 for numbers and booleans, and for data that is nested too deep
 */
export function readPayload(data: unknown, encoding: string | undefined): Payload {
  if (data === undefined || data === null) return { encoding }
  if (data instanceof Uint8Array) return { data, encoding }
  if (typeof data === 'string') return isBase64(encoding) ? fromBase64(data, encoding) : { data, encoding }
  if (typeof data === 'object') return { data: toJson(data), encoding: joinSteps(encoding, 'json') }
  throw new ProtocolError(40_013, 400, `unable to read data of type ${typeof data}; use a string, bytes or JSON`)
}

function toJson(data: object): string {
  try {
    return JSON.stringify(data)
  } catch {
    throw new ProtocolError(40_013, 400, 'unable to read data; it is nested too deep')
  }
}

/** Data and encoding as a receiver of this format expects them. */
export function writePayload({ data, encoding }: Payload, format: Format): Payload {
  if (format === 'msgpack' || typeof data === 'string' || data === undefined) return { data, encoding }
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
  return { data: base64, encoding: joinSteps(encoding, 'base64') }
}

/** Size of the data in bytes. */
export const byteLength = (data: Data | undefined) =>
  typeof data === 'string' ? Buffer.byteLength(data) : (data?.byteLength ?? 0)

/**
 * Throws if text would be appended to bytes or the reverse.
 * @throws ProtocolError 40013
 */
export function checkAppend(data: Data | undefined, more: Data | undefined) {
  if (data === undefined || more === undefined || typeof data === typeof more) return
  throw mixed()
}

/**
 * The data with more appended. The cost does not depend on the length of the existing data.
 * @throws ProtocolError 40013 if one is text and the other bytes
 */
export function appendData(data: Data | undefined, more: Data | undefined): Data | undefined {
  if (data === undefined || more === undefined) return data ?? more
  if (typeof data === 'string' && typeof more === 'string') return data + more
  if (typeof data !== 'string' && typeof more !== 'string') return appendBytes(data, more)
  throw mixed()
}

// NOTE: the spare room behind the view belongs to the newest version alone, and older versions are shorter views of the
// same buffer, so writing into it changes none of them
const spacious = new WeakSet<ArrayBufferLike>()

function appendBytes(data: Uint8Array, more: Uint8Array): Uint8Array {
  const length = data.byteLength + more.byteLength
  if (spacious.has(data.buffer) && length <= data.buffer.byteLength) {
    const grown = new Uint8Array(data.buffer, 0, length)
    grown.set(more, data.byteLength)
    return grown
  }
  const roomy = new Uint8Array(new ArrayBuffer(length * 2), 0, length)
  spacious.add(roomy.buffer)
  roomy.set(data)
  roomy.set(more, data.byteLength)
  return roomy
}

const mixed = () => new ProtocolError(40_013, 400, 'unable to append; text and binary data do not mix')

const isBase64 = (encoding: string | undefined): encoding is string => /(^|\/)base64$/.test(encoding ?? '')

const fromBase64 = (data: string, encoding: string): Payload => ({
  data: Buffer.from(data, 'base64'),
  encoding: encoding.replace(/\/?base64$/, '') || undefined,
})

const joinSteps = (encoding: string | undefined, step: string) => (encoding ? `${encoding}/${step}` : step)
