/** The claims of a token besides its start and end. */
export type Claims = Record<string, unknown>

/** Signs a JWT with a key's secret, with APIs that both Node and a page have. */
export async function signJwt({
  kid,
  secret,
  claims,
  ttl,
}: {
  kid: string
  secret: string
  claims: Claims
  ttl: number
}) {
  const now = Math.floor(Date.now() / 1_000)
  const head = [
    { typ: 'JWT', alg: 'HS256', kid },
    { iat: now, exp: now + ttl, ...claims },
  ]
    .map((part) => base64url(new TextEncoder().encode(JSON.stringify(part))))
    .join('.')
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(head))
  return `${head}.${base64url(new Uint8Array(signature))}`
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCodePoint(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
