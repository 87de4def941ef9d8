import { isPlainObject } from '../core/collections'

/** Longest JSON in a header, in characters. Readers ignore messages whose headers are too long. */
const usualLength = 7_500

/** JSON text of a value for a header; undefined if the value is undefined or the text too long. */
export function toHeader(value: unknown, maxLength = usualLength): string | undefined {
  const text = JSON.stringify(value) as string | undefined
  return text !== undefined && text.length <= maxLength ? text : undefined
}

/** Levels that are merged; deeper values are replaced. No real data is nested so deep. */
const maxDepth = 50

/** `later` laid over `earlier`, object by object; arrays and other values are replaced. */
export function merged(earlier: unknown, later: unknown, depth = 0): unknown {
  if (!isPlainObject(earlier) || !isPlainObject(later) || depth === maxDepth) return later
  const entries = Object.entries(later).map(([key, value]) => [
    key,
    Object.hasOwn(earlier, key) ? merged(earlier[key], value, depth + 1) : value,
  ])
  return { ...earlier, ...Object.fromEntries(entries) }
}
