import { resolvesWithin } from '../core/signals'

/** Rejects when work of the app takes longer than `limit` milliseconds. Work that is done at once needs no promise. */
export async function inTime<T>(name: string, given: T | PromiseLike<T>, limit: number): Promise<T> {
  if (typeof (given as PromiseLike<T> | undefined)?.then !== 'function') return given
  const work = Promise.resolve(given)
  if (await resolvesWithin(work, limit, true)) return work
  throw new Error(`${name} takes longer than ${limit / 1000} s`)
}
