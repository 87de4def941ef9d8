import { ProtocolError } from '../wire/error'
import { readCapability, writeCapability } from './capability'
import type { Key } from './keys'
import { isRecord, text } from '../wire/protocol'
import { isSame, sign } from './signature'
import type { TokenOptions } from './token'

/** Largest allowed clock skew of a requester, in ms. */
const MAX_SKEW = 120_000

/** How many nonces are remembered. */
const MAX_NONCES = 10_000

/** Checks signed token requests: their signature, their age, and that each is used once. */
export class TokenRequests {
  readonly #now: () => number
  readonly #nonces = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * The token options that a request contains.
   * @param isBasic - Whether the request is authenticated with the key itself, so that it needs no signature.
   * @throws ProtocolError 40101 (signature), 40104 (timestamp), 40105 (nonce), 40003 (malformed)
   */
  read(body: unknown, key: Key, isBasic: boolean): TokenOptions {
    if (!isRecord(body)) throw malformed('not an object')
    if (!isAbsent(body.keyName) && body.keyName !== key.name) throw malformed('it is for another key')
    if (!isAbsent(body.clientId) && typeof body.clientId !== 'string') throw malformed('clientId must be a text')
    const mac = text(body.mac)
    if (mac === undefined ? !isBasic : !isSame(mac, macOf(body, key))) {
      throw new ProtocolError(40_101, 401, 'unable to issue token; the request is not signed with the key')
    }
    if (mac !== undefined) this.#checkFresh(Number(body.timestamp), text(body.nonce) ?? '')
    return {
      clientId: text(body.clientId),
      capability: readAsked(body.capability),
      ttl: isAbsent(body.ttl) || body.ttl === '' ? undefined : Number(body.ttl),
    }
  }

  #checkFresh(timestamp: number, nonce: string) {
    const now = this.#now()
    if (!(Math.abs(now - timestamp) <= MAX_SKEW)) {
      throw new ProtocolError(40_104, 401, 'unable to issue token; the timestamp is not current')
    }
    if (this.#nonces.has(nonce))
      throw new ProtocolError(40_105, 401, 'unable to issue token; the nonce was used before')
    this.#nonces.set(nonce, now)
    for (const [oldest, at] of this.#nonces) {
      if (this.#nonces.size <= MAX_NONCES && now - at <= 2 * MAX_SKEW) break
      this.#nonces.delete(oldest)
    }
  }
}

const isAbsent = (value: unknown) => value === undefined || value === null

const malformed = (reason: string) => new ProtocolError(40_003, 400, `malformed token request; ${reason}`)

/** The requested capability, not yet parsed; undefined for an absent or empty one, which requests all. */
function readAsked(value: unknown): TokenOptions['capability'] {
  if (isAbsent(value) || value === '') return undefined
  return typeof value === 'string' ? value : writeCapability(readCapability(value))
}

function macOf(body: Readonly<Record<string, unknown>>, key: Key): string {
  const fields = [body.keyName, body.ttl, body.capability, body.clientId, body.timestamp, body.nonce]
  const lines = fields.map((field) => (typeof field === 'string' || typeof field === 'number' ? `${field}\n` : '\n'))
  return sign(key.secret, lines.join(''), 'base64')
}
