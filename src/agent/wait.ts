import { deferred, longestDelay } from '../core/signals'

/** Calls back whenever something new was heard or read; returns a function that ends that. */
type Observe = (listener: () => void) => () => void

interface WaitOptions<T> {
  /** Returns the value once it is there, else undefined. */
  readonly look: () => T | undefined
  /** Reads history in the meantime, until `isOver` returns true. */
  readonly read?: (isOver: () => boolean) => Promise<void>
  /** In milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

/**
 * Waits until `look` finds a value; resolves with undefined after `timeout`. Rejects when reading fails, or with the signal's
 * reason when that aborts.
 *
 * @param onHeard - tells when to look again
 */
export async function waitFor<T>(
  { onHeard }: { readonly onHeard: Observe },
  { look, read, timeout, signal }: WaitOptions<T>,
): Promise<T | undefined> {
  const { promise, resolve, reject } = deferred<T | undefined>()
  let isOver = false
  const lookAgain = (): void => {
    const found = look()
    if (found === undefined) return
    isOver = true
    resolve(found)
  }
  const abort = (): void => {
    isOver = true
    reject(signal!.reason)
  }
  const stop = onHeard(lookAgain)
  const timer = setTimeout(() => resolve(undefined), Math.min(timeout, longestDelay))
  signal?.addEventListener('abort', abort)
  try {
    lookAgain()
    if (signal?.aborted) abort()
    read?.(() => isOver).catch(reject)
    return await promise
  } finally {
    isOver = true
    stop()
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
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
