import { ErrorCode, toSessionError, unableTo } from '../core/errors'
import { messageOf, unpackRows, type RowReader, type RowTuple } from '../core/rows'
import type { ChannelMessage } from '../core/wire'
import type { HistoryPage } from './history-page'

/**
 * Rows that the app has kept: the URL of an `archiveRoute`, a function that fetches from one with this query, or an
 * archive in this process.
 */
export type ArchiveTarget = string | ((query: string) => Promise<Response>) | RowReader

/** Which history to go on from. */
interface ArchivePlace {
  readonly archive: ArchiveTarget | undefined
  readonly sessionName: string
  /** The number of rows on a page. */
  readonly limit: number
}

/**
 * A page of history that is continued in the archive where Ably's history ends. Both hold the same rows by serial, so
 * rows that are in both harm nothing.
 *
 * @param before - the oldest serial of the page before this one
 */
export function continueInArchive({ items, next }: HistoryPage, place: ArchivePlace, before?: string): HistoryPage {
  // NOTE: an app may choose its archive by a condition, and have `null` or ''
  if (!place.archive) return { items, next }
  const oldest = items.at(-1)?.serial ?? before
  const older = next ? async () => continueInArchive(await next(), place, oldest) : () => archivedPage(place, oldest)
  return { items, next: older, isBeforeArchive: !next }
}

async function archivedPage(place: ArchivePlace, before: string | undefined): Promise<HistoryPage> {
  const messages = await readArchive(place, before)
  const oldest = messages[0]?.serial
  // NOTE: an archive of the app's own may ignore `before`, and reading it would never end
  const isLast = messages.length < place.limit || (before !== undefined && oldest! >= before)
  return { items: messages.toReversed(), next: isLast ? undefined : () => archivedPage(place, oldest) }
}

async function readArchive(
  { archive, sessionName, limit }: ArchivePlace,
  before: string | undefined,
): Promise<readonly ChannelMessage[]> {
  try {
    if (typeof archive === 'object') {
      const rows: unknown = await archive.read({ sessionName, before, limit })
      if (!Array.isArray(rows)) throw unreadable('its read() must give a list of rows')
      return (rows as readonly RowTuple[]).map(messageOf)
    }
    const query = String(new URLSearchParams({ sessionName, limit: String(limit), ...(before && { before }) }))
    const isUrl = typeof archive === 'string'
    const route = isUrl ? archive : 'its route'
    const response = await (isUrl ? fetch(`${archive}${archive.includes('?') ? '&' : '?'}${query}`) : archive!(query))
    if (!response.ok) throw unreadable(`${route} answered with status ${response.status}`)
    const rows = unpackRows(await response.json())
    if (!rows) throw unreadable(`${route} answered with something else than rows; serve archiveRoute() there`)
    return rows.messages
  } catch (cause) {
    throw toSessionError('read the archive', ErrorCode.HistoryFailed, cause)
  }
}

const unreadable = (why: string): Error => unableTo('read the archive', why, ErrorCode.HistoryFailed)
