import { badRequest } from '../wire/error'
import type { Entry } from './log'

const MAX_MESSAGES = 100
const MAX_AGE = 120_000

/**
 * Reads the `rewind` channel parameter: a number of messages (`10`) or a time span (`15s`, `2m`).
 * @returns a predicate, to be called from the newest message on
 * @throws ProtocolError 40000 if it is neither
 */
export function readRewind(value: string, now: number): (entry: Entry, count: number) => boolean {
  const [, digits, unit] = /^(\d+)([sm])?$/.exec(value) ?? []
  if (digits === undefined) throw badRequest(`unable to rewind by "${value.slice(0, 20)}"; use a count, 15s or 2m`)
  const amount = Number(digits)
  if (unit === undefined) return (_, count) => count < Math.min(amount, MAX_MESSAGES)
  const since = now - Math.min(amount * (unit === 'm' ? 60_000 : 1_000), MAX_AGE)
  return (entry) => entry.message.timestamp >= since
}
