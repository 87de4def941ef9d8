/** JSON text of a value for a header; undefined stays absent. */
export const toHeader = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value)

/** The value of a JSON header or stream; malformed text reads as absent. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

type Bag = Record<string, unknown>

const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `later` laid over `earlier`, object by object; arrays and other values are replaced. */
export function merged(earlier: unknown, later: unknown): unknown {
  if (!isBag(earlier) || !isBag(later)) return later
  const entries = Object.entries(later).map(([key, value]) => [
    key,
    Object.hasOwn(earlier, key) ? merged(earlier[key], value) : value,
  ])
  return { ...earlier, ...Object.fromEntries(entries) }
}
