/** Remembers by key what was begun, so that whoever asks again gets the same answer and nothing is begun twice. */
export class Handled<T> {
  readonly #begun = new Map<string, Promise<T>>()

  constructor(
    /** How many to remember; the oldest are forgotten. */
    private readonly limit: number,
  ) {}

  /** What `begin` gave for this key. When it fails it may be tried again. */
  once(key: string, begin: () => Promise<T>): Promise<T> {
    const known = this.#begun.get(key)
    if (known) return known
    const begun = begin()
    this.#begun.set(key, begun)
    begun.catch(() => this.#begun.delete(key))
    if (this.#begun.size > this.limit) this.#begun.delete(this.#begun.keys().next().value!)
    return begun
  }
}
