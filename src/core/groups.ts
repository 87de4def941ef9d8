/** Values under keys. Made for many keys of which most have one value. */
export class Groups<V> {
  readonly #lists = new Map<string, V[]>()

  of(key: string): readonly V[] {
    return this.#lists.get(key) ?? none
  }

  add(key: string, value: V): void {
    const list = this.#lists.get(key)
    if (list) list.push(value)
    else this.#lists.set(key, [value])
  }

  remove(key: string, value: V): void {
    const list = this.#lists.get(key)
    // What is removed was mostly added a moment ago
    const index = list?.lastIndexOf(value) ?? -1
    if (list && index >= 0) list.splice(index, 1)
    if (list?.length === 0) this.#lists.delete(key)
  }
}

const none: readonly never[] = []
