import type { InboundMessage, PaginatedResult } from 'ably'
import { about, ErrorCode, toSessionError, unableTo } from '../core/errors'
import { resolvesWithin, sleep } from '../core/signals'
import type { ChannelMessage } from '../core/wire'
import { isForGood } from './publish-error'

/** A page of history, newest first. */
export interface HistoryPage {
  items: readonly ChannelMessage[]
  /** Reads the next, older page; undefined at the beginning of the channel. */
  next: (() => Promise<HistoryPage>) | undefined
  /** Whether the next page is the first one in the archive. */
  isBeforeArchive?: boolean
}

type Read = () => Promise<PaginatedResult<InboundMessage> | null>

// In milliseconds
const firstDelay = 100
// NOTE: so long may a server wait for history before it renders the page
const readLimit = 3000

/**
 * Reads a page of a channel's history, with so many further attempts where they can help.
 *
 * @param prepare - Called before each request.
 * @throws SessionError 104011 when it cannot be read
 */
export async function readPage(
  name: string,
  attempts: number,
  read: Read,
  prepare?: () => Promise<void>,
): Promise<HistoryPage> {
  try {
    const prepared: Read = async () => {
      await prepare?.()
      return read()
    }
    const result = await readAgain(prepared, attempts)
    const next = result?.hasNext() ? () => readPage(name, attempts, () => result.next(), prepare) : undefined
    return { items: result?.items ?? [], next }
  } catch (cause) {
    throw toSessionError(`read the history of channel "${name}"`, ErrorCode.HistoryFailed, about(cause, name))
  }
}

async function readAgain(read: Read, attempts: number, delay = firstDelay): ReturnType<Read> {
  try {
    return await read()
  } catch (cause) {
    if (attempts === 0 || isForGood(cause)) throw cause
    await sleep(delay)
    return readAgain(read, attempts - 1, delay * 2)
  }
}

/** Any read of a session's past. */
export type Reader = <T>(read: () => Promise<T>) => Promise<T>

/** Rejects when the reads of a session take too long together; leaves no timer behind. */
export function inTime(name: string): Reader {
  let left = readLimit
  return async (read) => {
    const began = performance.now()
    const reading = read()
    try {
      if (await resolvesWithin(reading, left)) return await reading
    } finally {
      left -= performance.now() - began
    }
    const why = `there was no answer within ${readLimit / 1000} s`
    throw unableTo(`read the history of channel "${name}"`, why, ErrorCode.HistoryFailed)
  }
}
