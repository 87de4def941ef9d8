import * as msgpack from '@msgpack/msgpack'
import { badRequest } from './error'

/** The format of frames and bodies: text (JSON) or binary (msgpack). */
export type Format = 'json' | 'msgpack'

/** The format that a connection's `format` parameter asks for. */
export const formatOf = (name: string | null | undefined): Format => (name === 'msgpack' ? 'msgpack' : 'json')

/** The bytes of a value. Fields that are `undefined` are left out. */
export function encode(format: Format, value: unknown): Uint8Array {
  return format === 'json' ? Buffer.from(JSON.stringify(value)) : msgpack.encode(value, { ignoreUndefined: true })
}

/**
 * The value of some bytes.
 * @throws ProtocolError 40000 if they are not in that format
 */
export function decode(format: Format, bytes: Uint8Array): unknown {
  try {
    return format === 'json' ? JSON.parse(Buffer.from(bytes).toString('utf8')) : msgpack.decode(bytes)
  } catch {
    throw badRequest(`unable to read ${format}`)
  }
}
