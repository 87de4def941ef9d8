/** A stretch of a timeline, by serial, and its reading direction. */
export interface Range {
  /** Only what comes after this serial. */
  after?: string
  /** Only what comes before this serial. */
  before?: string
  forwards: boolean
}

/** What happened on a channel, in the order of serials. The oldest can be forgotten at no cost. */
export class Timeline<T extends { readonly serial: string }> {
  #items: (T | undefined)[] = []
  #gone = 0

  get size() {
    return this.#items.length - this.#gone
  }

  /** Adds an item; its serial must be behind all others. */
  push(item: T) {
    this.#items.push(item)
  }

  /** Takes the oldest out. */
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

  /** Items of a stretch, in reading direction, as they are asked for. */
  *read({ after, before, forwards }: Range): Generator<T> {
    let first = after === undefined ? this.#gone : this.#indexOf(after)
    let last = (before === undefined ? this.#items.length : this.#indexOf(before)) - 1
    while (first <= last) {
      const item = this.#items[forwards ? first++ : last--]
      if (item && item.serial !== after) yield item
    }
  }

  /** Index of the first item whose serial is not before the given one. */
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
