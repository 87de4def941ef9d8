/** How many elements a full chunk has. */
export const chunkSize = 32

/** A growing list in chunks. Full chunks keep their identity, so that a new element updates only the last chunk. */
export class Chunks<T> {
  #full: readonly (readonly T[])[] = []
  #last: readonly T[] = []

  push(value: T): void {
    this.#last = [...this.#last, value]
    if (this.#last.length < chunkSize) return
    this.#full = [...this.#full, this.#last]
    this.#last = []
  }

  /** All chunks, with `open` as the last element. */
  with(...open: readonly T[]): readonly (readonly T[])[] {
    const last = [...this.#last, ...open]
    return last.length > 0 ? [...this.#full, last] : this.#full
  }
}
