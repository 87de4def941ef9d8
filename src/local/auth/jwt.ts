import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { intersect, readCapability } from './capability'
import { notPermitted, ProtocolError } from '../wire/error'
import { text } from '../wire/protocol'
import type { Keyring } from './keys'
import { expired, type Grant } from './token'

/** Whether a token is a JWT, not an opaque token. */
export const isJwt = (token: string) => /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(token)

/**
 * Reads a JWT: HS256, signed with the secret of the key that its `kid` names.
 * @throws ProtocolError 40144 (signature or claims), 40142 (expired), 40400 (unknown key)
 */
export async function readJwt(token: string, keys: Keyring, now: number): Promise<Grant> {
  const key = keys.require(keyNameOf(token))
  const { payload } = await verify(token, key.secret, now)
  const { 'x-ably-clientId': clientId, 'x-ably-capability': asked, 'x-ably-revocation-key': revocationKey } = payload
  if (clientId !== undefined && (typeof clientId !== 'string' || !clientId)) throw invalid('x-ably-clientId')
  if (asked !== undefined && typeof asked !== 'string') throw invalid('x-ably-capability must be a JSON string')
  const capability = asked === undefined ? key.capability : intersect(readCapability(asked), key.capability)
  if (capability.size === 0) throw notPermitted('the key allows nothing of the capability in the token')
  return {
    keyName: key.name,
    clientId,
    capability,
    issued: Number(payload.iat) * 1_000,
    expires: Number(payload.exp) * 1_000,
    revocationKey: text(revocationKey),
    token,
  }
}

function keyNameOf(token: string): string {
  try {
    const { kid } = decodeProtectedHeader(token)
    if (kid) return kid
  } catch {
    throw invalid('header')
  }
  throw invalid('kid missing')
}

async function verify(token: string, secret: string, now: number) {
  try {
    return await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ['HS256'],
      requiredClaims: ['exp', 'iat'],
      currentDate: new Date(now),
    })
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expired()
    throw invalid(error instanceof Error ? error.message : 'unreadable')
  }
}

const invalid = (reason: string) => new ProtocolError(40_144, 401, `invalid JWT; ${reason}`)
