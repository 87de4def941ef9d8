/** Values under keys. Made for many keys of which most have one value, which is kept without a list. */
export class MultiMap<V extends object> {
  readonly #held = new Map<string, V | V[]>()

  of(key: string): readonly V[] {
    const held = this.#held.get(key)
    return held === undefined ? none : Array.isArray(held) ? held : [held]
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
}

const none: readonly never[] = []
