import { BusyError } from './errors'

/** Limits how many runs are open in this process. */
export class Semaphore {
  readonly #limit: number
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The number of places that are taken. */
  get taken(): number {
    return this.#size
  }

  /**
   * Takes a place.
   * @returns a function that frees the place; to be called once
   * @throws {@link BusyError} when no place is free
   */
  acquire(): () => void {
    if (this.#size >= this.#limit) throw new BusyError(`this agent answers ${this.#limit} prompts already`)
    this.#size++
    return () => void this.#size--
  }
}

/** A request whose input is looked up. */
interface Lookup {
  /** Aborts with a {@link BusyError} when too many other requests follow. */
  readonly signal: AbortSignal
  /** The input was found, or not. */
  end(): void
}

/**
 * Bounds the requests whose input is looked up. Anyone who may send requests can name inputs that do not exist, so these
 * take no place of a run; of too many, the oldest is refused.
 */
export class Lookups {
  readonly #limit: number
  readonly #open = new Set<AbortController>()

  constructor(limit: number) {
    this.#limit = limit
  }

  begin(): Lookup {
    const controller = new AbortController()
    this.#open.add(controller)
    if (this.#open.size > this.#limit) this.#refuse(this.#open.values().next().value!)
    return { signal: controller.signal, end: () => void this.#open.delete(controller) }
  }

  #refuse(oldest: AbortController): void {
    this.#open.delete(oldest)
    oldest.abort(new BusyError('too many requests name inputs that are not on their channel'))
  }
}

/** Remembers requests by key, so that a repeated request gets the first response and starts nothing again. */
export class HandledRequests<T> {
  readonly #limit: number
  readonly #responses = new Map<string, Promise<T>>()

  /** @param limit - how many requests to remember; the oldest are forgotten */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** The result of `begin` for this key. A request that failed may be repeated. */
  once(key: string, begin: () => Promise<T>): Promise<T> {
    const known = this.#responses.get(key)
    if (known) return known
    const begun = begin()
    this.#responses.set(key, begun)
    begun.catch(() => this.#responses.delete(key))
    if (this.#responses.size > this.#limit) this.#responses.delete(this.#responses.keys().next().value!)
    return begun
  }
}
