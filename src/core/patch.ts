import { isPlainObject, type PlainObject } from './plain-object'

/**
 * Makes `target` equal to `source` in place: a message's own fields, and the fields of the objects in its arrays (its
 * parts). What is equal is not touched, so observers of it are not woken. `moved` learns which part of `source` lives
 * on as which part of `target`.
 */
export function patch(target: object, source: object, moved: WeakMap<object, object>): void {
  assign(target as PlainObject, source as PlainObject, (held, next) => {
    if (!Array.isArray(held) || !Array.isArray(next)) return false
    patchList(held, next, moved)
    return true
  })
}

function patchList(held: unknown[], next: unknown[], moved: WeakMap<object, object>): void {
  if (held.length > next.length) held.length = next.length
  next.forEach((part: unknown, index) => {
    const old = held[index]
    if (isPlainObject(old) && isPlainObject(part)) {
      assign(old, part, () => false)
      moved.set(part, old)
    } else if (old !== part) {
      held[index] = part
    }
  })
}

function assign(target: PlainObject, source: PlainObject, nested: (held: unknown, next: unknown) => boolean): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) delete target[key]
  for (const key of Object.keys(source)) {
    if (target[key] !== source[key] && !nested(target[key], source[key])) target[key] = source[key]
  }
}
