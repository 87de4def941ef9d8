/** A range of serials and its reading direction. */
export interface Range {
  /** Exclusive lower bound. */
  after?: string
  /** Exclusive upper bound. */
  before?: string
  forwards: boolean
}

/** Items sorted by serial. Removing the oldest costs nothing. */
export class Timeline<T extends { readonly serial: string }> {
  #items: (T | undefined)[] = []
  #gone = 0

  get size() {
    return this.#items.length - this.#gone
  }

  /** Adds an item; its serial must be greater than all others. */
  push(item: T) {
    this.#items.push(item)
  }

  /** Removes the oldest. */
  shift(): T | undefined {
    const item = this.#items[this.#gone]
    if (!item) return undefined
    this.#items[this.#gone++] = undefined
    if (this.#gone > this.#items.length / 2) {
      this.#items = this.#items.slice(this.#gone)
      this.#gone = 0
    }
    return item
  }

  /** Items of a range, in reading direction. */
  *read({ after, before, forwards }: Range): Generator<T> {
    let first = after === undefined ? this.#gone : this.#indexOf(after)
    let last = (before === undefined ? this.#items.length : this.#indexOf(before)) - 1
    while (first <= last) {
      const item = this.#items[forwards ? first++ : last--]
      if (item && item.serial !== after) yield item
    }
  }

  /** Index of the first item with this serial or a greater one. */
  #indexOf(serial: string): number {
    let low = this.#gone
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#items[middle]?.serial ?? '') < serial) low = middle + 1
      else high = middle
    }
    return low
  }
}
