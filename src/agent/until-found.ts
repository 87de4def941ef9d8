import { deferred } from '../core/deferred'
import type { ChannelView } from './run-host'

/** What to look for, and for how long. */
export interface Wanted<T> {
  /** What is looked for, if it is there. */
  readonly look: () => T | undefined
  /** Reads back meanwhile, until it is over. */
  readonly read?: (isOver: () => boolean) => Promise<void>
  /** In milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

/**
 * What is there, or turns up in what is heard or read in time; undefined when nothing does. Rejects when reading fails or
 * the signal aborts, with its reason.
 */
export async function untilFound<T>(
  { onHeard }: Pick<ChannelView<never>, 'onHeard'>,
  { look, read, timeout, signal }: Wanted<T>,
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
  const timer = setTimeout(() => resolve(undefined), timeout)
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
