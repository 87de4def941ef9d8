import { badRequest, ProtocolError } from '../wire/error'
import { text } from '../wire/protocol'
import type { Grant } from './token'

/** Selects the tokens to revoke. */
export interface RevocationTarget {
  type: 'clientId' | 'revocationKey' | 'channel'
  value: string
}

/** The result of a revocation. */
export interface Revoked {
  target: string
  issuedBefore: number
  /** When it takes effect. */
  appliesAt: number
}

interface Revocation extends Revoked, RevocationTarget {
  keyName: string
}

/** How many revocations are remembered. */
const MAX_REVOCATIONS = 1_000

/** The margin that clients get to renew a revoked token, in ms. */
export const REAUTH_MARGIN = 30_000

/**
 * Reads a target such as `clientId:bob`.
 * @throws ProtocolError 40000 if it is malformed
 */
export function readTarget(target: unknown): RevocationTarget {
  const [, type, value] = /^(clientId|revocationKey|channel):(.+)$/s.exec(text(target) ?? '') ?? []
  if (!type || !value) throw badRequest('unable to revoke tokens; a target is clientId:, revocationKey: or channel:')
  return { type: type as RevocationTarget['type'], value }
}

/** Revoked tokens. */
export class Revocations {
  readonly #all: Revocation[] = []
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Revokes the matching tokens of a key that were issued before a time. */
  add(keyName: string, { type, value }: RevocationTarget, issuedBefore: number, margin: number): Revoked {
    const appliesAt = this.#now() + margin
    const target = `${type}:${value}`
    this.#all.push({ keyName, type, value, target, issuedBefore, appliesAt })
    if (this.#all.length > MAX_REVOCATIONS) this.#all.shift()
    return { target, issuedBefore, appliesAt }
  }

  /** Whether a token is revoked at that time. */
  includes(grant: Grant, at = this.#now()): boolean {
    return this.#all.some((revocation) => revocation.appliesAt <= at && matches(revocation, grant))
  }
}

function matches({ keyName, type, value, issuedBefore }: Revocation, grant: Grant): boolean {
  if (grant.token === undefined || grant.keyName !== keyName || (grant.issued ?? 0) > issuedBefore) return false
  if (type === 'clientId') return grant.clientId === value
  if (type === 'revocationKey') return grant.revocationKey === value
  return grant.capability.has(value)
}

/** The token was valid and has been revoked, 40141. */
export const revoked = () => new ProtocolError(40_141, 401, 'token revoked')
