import { ProtocolError } from '../wire/error'
import { isJwt, readJwt } from './jwt'
import type { Keyring } from './keys'
import { Revocations, revoked } from './revocation'
import { isSame } from './signature'
import { expired, type Grant, type Tokens } from './token'

/** Credentials of a request: a whole key or a token. */
export interface Credentials {
  key?: string
  token?: string
}

/** How many JWTs that ended early are remembered. */
const MAX_REVOKED = 1_000

/** Checks credentials. */
export class Authenticator {
  /** Tokens that were revoked with their key. */
  readonly revocations: Revocations
  readonly #keys: Keyring
  readonly #tokens: Tokens
  readonly #now: () => number
  readonly #revoked = new Set<string>()

  constructor(keys: Keyring, tokens: Tokens, now: () => number) {
    this.#keys = keys
    this.#tokens = tokens
    this.#now = now
    this.revocations = new Revocations(now)
  }

  /**
   * Checks credentials.
   * @throws ProtocolError 40101 if there are none or the secret is wrong, else the error of the token's reader
   */
  async check({ key, token }: Credentials): Promise<Grant> {
    if (token) return await this.#checkToken(token)
    if (key) return this.#checkKey(key)
    throw new ProtocolError(40_101, 401, 'no credentials given')
  }

  /** Ends one token early. */
  revoke(token: string) {
    this.#revoked.add(token)
    const [oldest] = this.#revoked
    if (oldest && this.#revoked.size > MAX_REVOKED) this.#revoked.delete(oldest)
  }

  async #checkToken(token: string): Promise<Grant> {
    if (this.#revoked.has(token)) throw expired()
    const grant = isJwt(token) ? await readJwt(token, this.#keys, this.#now()) : this.#tokens.read(token)
    if (this.revocations.includes(grant)) throw revoked()
    return grant
  }

  #checkKey(whole: string): Grant {
    const colon = whole.indexOf(':')
    const key = this.#keys.get(whole.slice(0, Math.max(colon, 0)))
    if (!isSame(key.secret, whole.slice(colon + 1))) throw new ProtocolError(40_101, 401, 'invalid credentials')
    return { keyName: key.name, clientId: '*', capability: key.capability }
  }
}

/** Credentials from an `Authorization` header, else from query parameters. */
export function readCredentials(header: string | undefined, query: URLSearchParams): Credentials {
  const [, scheme, value = ''] = /^(Basic|Bearer)\s+(\S+)$/i.exec(header ?? '') ?? []
  if (scheme?.toLowerCase() === 'basic') return { key: Buffer.from(value, 'base64').toString() }
  // NOTE: the SDK sends tokens in base64; a token that contains a dot is not encoded
  if (scheme) return { token: value.includes('.') ? value : Buffer.from(value, 'base64').toString() }
  const token = query.get('access_token') ?? query.get('accessToken')
  return { key: query.get('key') ?? undefined, token: token ?? undefined }
}
