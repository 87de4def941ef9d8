/** Assertions without dependencies, so that behaviours also run in a page. */

const show = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, item: unknown) => (item === undefined ? '(undefined)' : item)) ?? String(value)
  } catch {
    return String(value)
  }
}

/** Asserts that two values are deeply equal. */
export function equal(actual: unknown, expected: unknown, what = 'value'): void {
  if (!isEqual(actual, expected, false)) throw new Error(`${what} is ${show(actual)}, not ${show(expected)}`)
}

/** Asserts that a value has all expected properties; it may have more. */
export function match(actual: unknown, expected: unknown, what = 'value'): void {
  if (!isEqual(actual, expected, true)) throw new Error(`${what} is ${show(actual)}, without ${show(expected)}`)
}

/** Asserts that a condition is true. */
export function truth(value: unknown, what: string): asserts value {
  if (!value) throw new Error(`not so: ${what}`)
}

/** Asserts that a promise rejects with such an error. */
export async function rejects(promise: PromiseLike<unknown>, expected: { code: number; statusCode?: number }) {
  let result: unknown
  try {
    result = await promise
  } catch (error) {
    const { code, statusCode, message } = error as { code?: number; statusCode?: number; message?: string }
    match({ code, statusCode, message }, expected, 'error')
    return
  }
  throw new Error(`expected error ${expected.code}, got ${show(result)}`)
}

function isEqual(a: unknown, b: unknown, isSubset: boolean): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(b)
  if ((!isSubset || Array.isArray(b)) && Object.keys(a).length !== keys.length) return false
  return keys.every((key) => isEqual((a as Bag)[key], (b as Bag)[key], isSubset))
}

type Bag = Record<string, unknown>
