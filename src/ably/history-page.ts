import type { InboundMessage, PaginatedResult } from 'ably'
import { about, ErrorCode, toSessionError } from '../core/errors'
import { sleep } from '../core/signals'
import type { ChannelMessage } from '../core/wire'
import { isForGood } from './publish-error'

/** A page of history, newest first. */
export interface HistoryPage {
  items: readonly ChannelMessage[]
  /** Reads the next, older page; undefined at the beginning of the channel. */
  next: (() => Promise<HistoryPage>) | undefined
}

type Read = () => Promise<PaginatedResult<InboundMessage> | null>

/** How a page is read: with further attempts, or in time. */
type Manner = (read: Read) => ReturnType<Read>

// In milliseconds
const firstDelay = 100
const lastDelay = 400
// NOTE: so long may a server wait for history before it renders the page
const readLimit = 3000

/** Reads a page of a channel's history. @throws SessionError 104011 when it cannot be read */
export async function readPage(name: string, manner: Manner, read: Read): Promise<HistoryPage> {
  try {
    const result = await manner(read)
    const next = result?.hasNext() ? () => readPage(name, manner, () => result.next()) : undefined
    return { items: result?.items ?? [], next }
  } catch (cause) {
    throw toSessionError(`read the history of channel "${name}"`, ErrorCode.HistoryFailed, about(cause, name))
  }
}

/** Reads again after short delays, where that can help. */
export const retried: Manner = async (read) => {
  for (let delay = firstDelay; ; delay *= 2) {
    try {
      return await read()
    } catch (cause) {
      if (delay > lastDelay || isForGood(cause)) throw cause
      await sleep(delay)
    }
  }
}

/** Rejects when reading takes too long; leaves no timer behind. */
export const inTime: Manner = async (read) => {
  let timer: ReturnType<typeof setTimeout>
  // NOTE: first, because a client that cannot be made throws here
  const reading = read()
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`there was no answer within ${readLimit / 1000} s`)), readLimit)
  })
  return Promise.race([reading, late]).finally(() => clearTimeout(timer))
}
