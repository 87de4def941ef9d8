import { createHmac, timingSafeEqual } from 'node:crypto'

/** HMAC-SHA256 of a text. */
export const sign = (secret: string, content: string, encoding: 'base64' | 'base64url' = 'base64url') =>
  createHmac('sha256', secret).update(content).digest(encoding)

/** Whether two secrets are equal, in a time that does not tell how far. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
}
