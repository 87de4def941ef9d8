import { createHmac, timingSafeEqual } from 'node:crypto'

/** HMAC-SHA256 of a text. */
export const sign = (secret: string, content: string, encoding: 'base64' | 'base64url' = 'base64url') =>
  createHmac('sha256', secret).update(content).digest(encoding)

/** Compares two secrets in constant time. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
}
