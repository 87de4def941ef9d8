/** Listeners by event name. A listener that throws is reported and does not keep others from hearing. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()

  /** Adds a listener; returns how to remove it. */
  on<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    listeners.add(listener)
    this.#listeners.set(name, listeners)
    return () => void listeners.delete(listener)
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as (event: Events[K]) => void)(event)
      } catch (error) {
        logUncaught(error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}

/** Tells the platform about an error that no caller can catch, without stopping the process. */
function logUncaught(error: unknown): void {
  console.error(error)
}
