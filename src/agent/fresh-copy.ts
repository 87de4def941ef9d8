import { isPlainObject } from '../core/collections'

// NOTE: no real data is nested so deep
const maxDepth = 100

/**
 * A copy of a message for a model, with no value that would make each later request fail: a replacement character stands
 * for each half of a character, which providers refuse, and a short text for data that is nested too deep to be copied or
 * written as JSON.
 */
export function freshCopy<T>(value: T, depth = 0): T {
  if (typeof value === 'string') return value.toWellFormed() as T
  if (!isPlainObject(value) && !Array.isArray(value)) return value
  if (depth === maxDepth) return '[nested too deep]' as T
  if (Array.isArray(value)) return value.map((each: unknown) => freshCopy(each, depth + 1)) as T
  // Bytes and other instances
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value)
  const entries = Object.entries(value).map(([key, each]) => [key.toWellFormed(), freshCopy(each, depth + 1)] as const)
  return Object.fromEntries(entries) as T
}
