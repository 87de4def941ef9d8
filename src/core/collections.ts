/** An object with keys of its own. */
export type PlainObject = Record<string, unknown>

export const isPlainObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value of JSON text; malformed text reads as absent. */
export function parseJson(text: string | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether two lists hold the same things in the same order. */
export const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index])

/** A new list, or the one that is known if that holds the same. */
export const reuseIfEqual = <T>(known: readonly T[] | undefined, next: readonly T[]): readonly T[] =>
  known && sameItems(known, next) ? known : next

type Placed = { readonly serial: string }

/** Compares texts by their characters, for sorting. */
export const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** Compares by serial, for sorting. */
export const bySerial = (a: Placed, b: Placed): number => compare(a.serial, b.serial)

/** An empty list, shared by all that have no items. */
export const noItems: readonly never[] = []

/**
 * The list with one more item in its place by serial: at the end at once, where almost all rows go, else by bisection.
 * It is the same list unless that was empty.
 */
export function insertBySerial<T extends Placed>(list: readonly T[], item: T): readonly T[] {
  const { length } = list
  if (length === 0) return [item]
  // The shared empty list was handled above, so this list belongs to one owner
  const items = list as T[]
  if (items[length - 1]!.serial <= item.serial) items.push(item)
  else items.splice(firstAbove(items, serialOf, item.serial), 0, item)
  return items
}

const serialOf = ({ serial }: Placed): string => serial

/** The index of the first item whose key is above this one, in a list that is sorted by key. */
export function firstAbove<T>(list: readonly T[], keyOf: (item: T) => string, key: string): number {
  let low = 0
  let high = list.length
  // Almost all items belong at the end
  if (high === 0 || keyOf(list[high - 1]!) <= key) return high
  while (low < high) {
    const middle = (low + high) >> 1
    if (keyOf(list[middle]!) <= key) low = middle + 1
    else high = middle
  }
  return low
}

/** How many items are inserted one by one; more are sorted in together. */
const fewItems = 32

/** Tells the key by which an item is listed. */
interface Order<T> {
  // NOTE: a method, so that a tree of any messages is a `Tree<object>`
  keyOf(item: T): string
}

/** Items in the order of a key, which stays the same while they are listed. */
export class SortedList<T> {
  readonly #order: Order<T>
  #items: T[] = []
  /** Items that are not in their place yet, as lists that are in order. */
  // NOTE: pages of history come newest first, and each of them is in order
  #arrived: T[][] = []

  constructor(order: Order<T>) {
    this.#order = order
  }

  add(item: T): void {
    const { keyOf } = this.#order
    const latest = this.#arrived.at(-1)
    if (latest && keyOf(latest.at(-1)!) <= keyOf(item)) latest.push(item)
    else this.#arrived.push([item])
  }

  remove(item: T): void {
    const { keyOf } = this.#order
    const items = this.sorted() as T[]
    const index = items.lastIndexOf(item, firstAbove(items, keyOf, keyOf(item)) - 1)
    if (index >= 0) items.splice(index, 1)
  }

  sorted(): readonly T[] {
    if (this.#arrived.length === 0) return this.#items
    const { keyOf } = this.#order
    const byKey = (a: T, b: T): number => compare(keyOf(a), keyOf(b))
    const arrived = this.#arrived.flat().toSorted(byKey)
    this.#arrived = []
    if (arrived.length <= fewItems) {
      for (const item of arrived) this.#items.splice(firstAbove(this.#items, keyOf, keyOf(item)), 0, item)
      return this.#items
    }
    const at = firstAbove(this.#items, keyOf, keyOf(arrived[0]!))
    const later = this.#items.slice(at)
    // NOTE: mostly all are older than the items that are there
    const isBefore = later.length === 0 || byKey(arrived.at(-1)!, later[0]!) < 0
    this.#items = this.#items
      .slice(0, at)
      .concat(isBefore ? arrived.concat(later) : later.concat(arrived).toSorted(byKey))
    return this.#items
  }
}

/** Takes out the item of this serial. */
export function removeBySerial<T extends Placed>(list: readonly T[], { serial }: T): void {
  const index = firstAbove(list, serialOf, serial) - 1
  if (list[index]?.serial === serial) (list as T[]).splice(index, 1)
}

/** A map that takes next to no room while it holds one thing, as most of them do. */
export class SmallMap<V> {
  /** The only key. */
  #key: string | undefined
  /** Its value; without it a map of several. */
  #held: V | Map<string, V> | undefined

  get(key: string): V | undefined {
    if (this.#key === undefined) return (this.#held as Map<string, V> | undefined)?.get(key)
    return key === this.#key ? (this.#held as V) : undefined
  }

  set(key: string, value: V): void {
    if (this.#held === undefined || key === this.#key) {
      this.#key = key
      this.#held = value
      return
    }
    const map = this.#key === undefined ? (this.#held as Map<string, V>) : new Map([[this.#key, this.#held as V]])
    this.#key = undefined
    this.#held = map.set(key, value)
  }

  delete(key: string): void {
    if (this.#key === undefined) (this.#held as Map<string, V> | undefined)?.delete(key)
    else if (key === this.#key) this.#key = this.#held = undefined
  }

  /** In the order they were set first. */
  keys(): IterableIterator<string> {
    if (this.#key !== undefined) return [this.#key].values()
    return (this.#held as Map<string, V> | undefined)?.keys() ?? [].values()
  }
}

/** Values under keys. Made for many keys of which most have one value, which is kept without a list. */
export class MultiMap<V extends object> {
  readonly #held = new Map<string, V | V[]>()

  /** The number of keys. */
  get size(): number {
    return this.#held.size
  }

  /** All values. */
  values(): readonly V[] {
    return [...this.#held.values()].flat() as V[]
  }

  of(key: string): readonly V[] {
    const held = this.#held.get(key)
    return held === undefined ? noItems : Array.isArray(held) ? held : [held]
  }

  /** The value that was added first, or put first later. */
  first(key: string): V | undefined {
    const held = this.#held.get(key)
    return Array.isArray(held) ? held[0] : held
  }

  /** Puts one of the values before the others. */
  putFirst(key: string, value: V): void {
    const held = this.#held.get(key)
    if (Array.isArray(held)) held.unshift(...held.splice(held.indexOf(value), 1))
  }

  add(key: string, value: V): void {
    const held = this.#held.get(key)
    if (Array.isArray(held)) held.push(value)
    else this.#held.set(key, held === undefined ? value : [held, value])
  }

  remove(key: string, value: V): void {
    const held = this.#held.get(key)
    if (held === value) this.#held.delete(key)
    if (!Array.isArray(held)) return
    // What is removed was mostly added a moment ago
    const index = held.lastIndexOf(value)
    if (index >= 0) held.splice(index, 1)
    if (held.length === 0) this.#held.delete(key)
  }

  /** Puts a value under another key; undefined stands for none. */
  move(value: V, from: string | undefined, to: string | undefined): void {
    if (from === to) return
    if (from !== undefined) this.remove(from, value)
    if (to !== undefined) this.add(to, value)
  }
}

/** Whether two values, made by the same code, say the same. */
export const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** A new value, or the one that is known if that says the same. */
export const reuseIfSame = <T>(known: T | undefined, next: T): T => (known && isSame(known, next) ? known : next)
