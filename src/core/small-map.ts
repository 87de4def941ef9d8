/** A map that takes next to no room while it holds one thing, as most of them do. */
export class SmallMap<V> {
  #key: string | undefined
  #value: V | undefined
  #more: Map<string, V> | undefined

  get size(): number {
    return this.#more?.size ?? (this.#key === undefined ? 0 : 1)
  }

  get(key: string): V | undefined {
    if (this.#more) return this.#more.get(key)
    return key === this.#key ? this.#value : undefined
  }

  set(key: string, value: V): void {
    if (!this.#more && (this.#key ?? key) !== key) this.#more = new Map([[this.#key!, this.#value!]])
    if (this.#more) this.#more.set(key, value)
    else [this.#key, this.#value] = [key, value]
  }

  delete(key: string): void {
    if (this.#more) this.#more.delete(key)
    else if (key === this.#key) this.clear()
  }

  clear(): void {
    this.#key = this.#value = this.#more = undefined
  }

  /** In the order they were set first. */
  keys(): IterableIterator<string> {
    return this.#more?.keys() ?? (this.#key === undefined ? [] : [this.#key]).values()
  }
}
