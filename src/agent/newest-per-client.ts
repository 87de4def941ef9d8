interface FromClient {
  /** Verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
}

/** Handles items one at a time for each client. Of the items that wait, only the newest counts: a flood costs one. */
export class NewestPerClient<Item extends FromClient> {
  readonly #handle: (item: Item) => Promise<void>
  readonly #limit: number
  /** The clients that have an item in work. The value is the item that waits behind it; undefined while no item waits. */
  readonly #newest = new Map<string | undefined, Item | undefined>()

  /**
   * @param handle - must not reject; the next item of the client waits for it
   * @param limit - how many clients may have items at a time: a key may publish under any client id
   */
  constructor(handle: (item: Item) => Promise<void>, limit = Infinity) {
    this.#handle = handle
    this.#limit = limit
  }

  /** @returns the item that is not handled: the one of the same client that waited, or this one above the limit of clients */
  add(item: Item): Item | undefined {
    const { clientId } = item
    const isBusy = this.#newest.has(clientId)
    if (!isBusy && this.#newest.size >= this.#limit) return item
    const replaced = this.#newest.get(clientId)
    this.#newest.set(clientId, item)
    if (!isBusy) void this.#handleAll(clientId)
    return replaced
  }

  async #handleAll(clientId: string | undefined): Promise<void> {
    for (let item = this.#newest.get(clientId); item; item = this.#newest.get(clientId)) {
      this.#newest.set(clientId, undefined)
      await this.#handle(item)
    }
    this.#newest.delete(clientId)
  }
}
