import { badRequest } from '../wire/error'
import type { Range } from './timeline'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000

/** One page of a list, and the query for the next one. */
export interface Page<T> {
  items: T[]
  /** The query of this page. */
  current: URLSearchParams
  /** The query of the next page; absent on the last. */
  next?: URLSearchParams
}

/**
 * Reads the page size from a query.
 * @throws ProtocolError 40000 if it is not between 1 and 1000
 */
export function readLimit(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT)
  if (Number.isInteger(limit) && limit > 0 && limit <= MAX_LIMIT) return limit
  throw badRequest(`limit must be between 1 and ${MAX_LIMIT}`)
}

/** A record that pages consist of. */
interface Dated {
  readonly serial: string
  readonly timestamp: number
}

/**
 * A page of history. Pages are cut at serials, so new messages do not shift them.
 * @param read - Yields the records of a range.
 * @param horizon - Time before which history is hidden.
 * @throws ProtocolError 40000 for parameters that cannot be read
 */
export function readHistory<T extends Dated>(
  read: (range: Range) => Iterable<T>,
  query: URLSearchParams,
  horizon = -Infinity,
): Page<T> {
  const limit = readLimit(query)
  const forwards = readDirection(query) === 'forwards'
  const start = Math.max(readTime(query, 'start') ?? -Infinity, horizon)
  const end = readTime(query, 'end') ?? Infinity
  const cursor = query.get('cursor') ?? undefined
  const isPast = ({ timestamp }: T) => (forwards ? timestamp > end : timestamp < start)

  const items: T[] = []
  for (const item of read(rangeOf(query, forwards, cursor))) {
    if (isPast(item)) break
    if (item.timestamp < start || item.timestamp > end) continue
    if (items.length === limit) return { items, current: query, next: withCursor(query, items.at(-1)?.serial) }
    items.push(item)
  }
  return { items, current: query }
}

/**
 * A page of a list.
 * @param keyOf - The sort key of an item; the list is sorted by it.
 * @throws ProtocolError 40000 for a limit that cannot be read
 */
export function readList<T>(items: readonly T[], keyOf: (item: T) => string, query: URLSearchParams): Page<T> {
  const limit = readLimit(query)
  const cursor = query.get('cursor')
  const rest = cursor === null ? items : items.filter((item) => keyOf(item) > cursor)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  const next = last !== undefined && rest.length > limit ? withCursor(query, keyOf(last)) : undefined
  return { items: page, current: query, next }
}

function rangeOf(query: URLSearchParams, forwards: boolean, cursor: string | undefined): Range {
  const from = query.get('from_serial')
  // NOTE: serials of messages published under a channel serial start with it and a colon; a semicolon sorts behind them
  const upTo = from === null ? undefined : `${from};`
  if (forwards) return { forwards, after: cursor, before: upTo }
  const isLower = cursor !== undefined && (upTo === undefined || cursor < upTo)
  return { forwards, before: isLower ? cursor : upTo }
}

function withCursor(query: URLSearchParams, cursor = ''): URLSearchParams {
  const next = new URLSearchParams(query)
  next.set('cursor', cursor)
  return next
}

function readDirection(query: URLSearchParams): string {
  const direction = query.get('direction') ?? 'backwards'
  if (direction === 'forwards' || direction === 'backwards') return direction
  throw badRequest('direction must be forwards or backwards')
}

function readTime(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  const time = Number(value)
  if (value !== '' && Number.isFinite(time)) return time
  throw badRequest(`${name} must be a time in ms`)
}

/** The `Link` header of a page. The SDK takes only the query of each link, and splits the header at commas. */
export function linkHeader({ current, next }: Pick<Page<unknown>, 'current' | 'next'>, path: string): string {
  const first = new URLSearchParams(current)
  first.delete('cursor')
  const links = [link(path, first, 'first'), link(path, current, 'current'), next && link(path, next, 'next')]
  return links.filter((item) => item !== undefined).join(', ')
}

const link = (path: string, query: URLSearchParams, rel: string) => `<./${path}?${query}>; rel="${rel}"`
