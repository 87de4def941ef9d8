/** Something that can be read reactively and announced as changed. */
export interface Signal {
  /** Notes that the running effect depends on this signal. */
  track(): void
  /** Announces a change. */
  trigger(): void
}

/**
 * How the core tells a UI framework about its state without knowing one. Vue's reactivity fills it in the browser;
 * the agent uses {@link plainPort}.
 */
export interface ReactivePort {
  /** The observable form of an object; writes through it are seen. The same object always gives the same result. */
  observe<T extends object>(value: T): T
  /** Writes a field that an unobserved object has; readers of its observable form are told. */
  write<T extends object, K extends keyof T & string>(target: T, field: K, value: T[K]): void
  /** Marks a value that is replaced whole and never observed inside. */
  opaque<T>(value: T): T
  signal(): Signal
}

const silent: Signal = { track() {}, trigger() {} }

/** No reactivity: objects stay as they are. */
export const plainPort: ReactivePort = {
  observe: (value) => value,
  write: (target, field, value) => void (target[field] = value),
  opaque: (value) => value,
  signal: () => silent,
}

/** Listeners by event name. A listener that throws is reported; the other listeners are called all the same. */
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
        // No caller can catch it
        console.error(error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}

/** A promise with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T | PromiseLike<T>): void
  reject(reason: unknown): void
}

/**
 * The longest time that a timer can wait, in milliseconds, about 25 days; it would run out at once if asked for more.
 */
export const longestDelay = 2 ** 31 - 1

/** Waits for so many milliseconds. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Resolves with whether a promise resolves within `limit` milliseconds. Rejects if it rejects in that time.
 *
 * @param mayExit - whether a Node process may exit meanwhile
 */
export async function resolvesWithin(promise: Promise<unknown>, limit: number, mayExit = false): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, Math.min(limit, longestDelay), false)))
  // NOTE: in browsers a timer is a number
  if (mayExit) (timer as { unref?: () => void } | undefined)?.unref?.()
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

/** A promise to settle later. Its rejection need not be handled. */
// NOTE: not `Promise.withResolvers`, which browsers before 2024 and Node 20 lack
export function deferred<T = void>(): Deferred<T> {
  let settle: Pick<Deferred<T>, 'resolve' | 'reject'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, ...settle! }
}

/** Settles like the promise, or rejects with the signal's reason as soon as that aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
