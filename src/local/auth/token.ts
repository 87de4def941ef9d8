import { byName, intersect, readCapability, writeCapability, type Capability } from './capability'
import { notPermitted, ProtocolError } from '../wire/error'
import type { Key, Keyring } from './keys'
import { isRecord, text } from '../wire/protocol'
import { isSame, sign } from './signature'

/** A token with its details, as the SDK expects it. Times in ms since the epoch. */
export interface TokenDetails {
  token: string
  keyName: string
  issued: number
  expires: number
  /** Canonical JSON. */
  capability: string
  clientId?: string
}

/** Options of a new token. */
export interface TokenOptions {
  /** The only clientId that its holder may use; `*` for any, absent for anonymous. */
  clientId?: string
  /** The operations it allows, limited to those of the key. @default all operations of the key */
  capability?: Record<string, readonly string[]> | string
  /** Lifetime in ms, at most a day. @default 3600000 */
  ttl?: number
}

/** The rights behind credentials. */
export interface Grant {
  keyName: string
  /** Enforced clientId, `*` for any, absent for anonymous. */
  clientId?: string
  capability: Capability
  /** When it was issued, in ms since the epoch; absent for a key. */
  issued?: number
  /** The revocation key of a JWT. */
  revocationKey?: string
  /** When it ends, in ms since the epoch; absent for a key. */
  expires?: number
  /** The token it came from. */
  token?: string
}

const DEFAULT_TTL = 3_600_000
const MAX_TTL = 86_400_000

/** Issues and reads opaque tokens. A token holds its own signed contents, so none is stored. */
export class Tokens {
  readonly #keys: Keyring
  readonly #now: () => number
  readonly #revoked = new Map<string, number>()
  #issued = 0

  constructor(keys: Keyring, now: () => number) {
    this.#keys = keys
    this.#now = now
  }

  /**
   * Issues a token.
   * @throws ProtocolError 40003 for a ttl or capability out of bounds, 40160 if the key allows none of it
   */
  issue(key: Key, { clientId, capability, ttl = DEFAULT_TTL }: TokenOptions = {}): TokenDetails {
    if (!(ttl > 0 && ttl <= MAX_TTL)) throw new ProtocolError(40_003, 400, 'ttl must be above 0 and at most 24 h')
    if (clientId === '') throw new ProtocolError(40_012, 400, 'clientId must not be empty')
    const granted = capability === undefined ? key.capability : intersect(readCapability(capability), key.capability)
    if (granted.size === 0) throw notPermitted('unable to issue token; the key allows nothing of its capability')
    const issued = this.#now()
    const written = writeCapability(granted, capability === undefined ? undefined : byName)
    const details = { keyName: key.name, issued, expires: issued + ttl, capability: written, clientId }
    const body = Buffer.from(JSON.stringify({ ...details, number: ++this.#issued })).toString('base64url')
    return { token: `${key.name.split('.', 1)[0]}.${body}.${sign(key.secret, body)}`, ...details }
  }

  /**
   * Reads a token.
   * @throws ProtocolError 40005 if malformed, 40143 if issued elsewhere, 40142 if expired
   */
  read(token: string): Grant {
    const [, body, signature] = token.split('.')
    const claims = body && signature ? readBody(body) : undefined
    if (!body || !signature || !claims) throw new ProtocolError(40_005, 400, 'malformed token')
    const { keyName, clientId, issued, expires, number } = claims
    const key = this.#keys.find(keyName)
    if (!key || !isSame(sign(key.secret, body), signature)) {
      throw new ProtocolError(40_143, 401, 'token unrecognised; it was not issued by this endpoint')
    }
    if (expires <= this.#now() || number <= (this.#revoked.get(clientId ?? '') ?? 0)) throw expired()
    return { keyName, clientId, capability: readCapability(claims.capability), issued, expires, token }
  }

  /** Ends every token issued so far to that clientId. */
  revoke(clientId: string) {
    this.#revoked.set(clientId, this.#issued)
  }
}

/** The credentials have expired, 40142. */
export const expired = () => new ProtocolError(40_142, 401, 'token expired')

function readBody(body: string) {
  try {
    const value: unknown = JSON.parse(Buffer.from(body, 'base64url').toString())
    if (!isRecord(value) || typeof value.keyName !== 'string') return undefined
    return {
      keyName: value.keyName,
      clientId: text(value.clientId),
      capability: value.capability,
      issued: Number(value.issued),
      expires: Number(value.expires),
      number: Number(value.number),
    }
  } catch {
    return undefined
  }
}
