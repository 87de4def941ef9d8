import { badRequest } from '../wire/error'
import type { ChannelLog } from './log'
import type { StoredMessage } from './message'

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

/**
 * A page of messages, each in its newest state; an empty one if there is no log. Pages are cut at serials, so what is published meanwhile shifts none.
 * @throws ProtocolError 40000 for parameters that cannot be read
 */
export function readHistory(log: ChannelLog | undefined, query: URLSearchParams): Page<StoredMessage> {
  const limit = readLimit(query)
  const forwards = readDirection(query) === 'forwards'
  const start = readTime(query, 'start') ?? -Infinity
  const end = readTime(query, 'end') ?? Infinity
  const cursor = query.get('cursor') ?? undefined
  const isPast = ({ timestamp }: StoredMessage) => (forwards ? timestamp > end : timestamp < start)

  const items: StoredMessage[] = []
  for (const { message } of log?.read(rangeOf(query, forwards, cursor)) ?? []) {
    if (isPast(message)) break
    if (message.timestamp < start || message.timestamp > end) continue
    if (items.length === limit) return { items, current: query, next: withCursor(query, items) }
    items.push(message)
  }
  return { items, current: query }
}

function rangeOf(query: URLSearchParams, forwards: boolean, cursor: string | undefined) {
  const from = query.get('from_serial')
  // NOTE: serials of messages published under a channel serial start with it and a colon; a semicolon sorts behind them
  const upTo = from === null ? undefined : `${from};`
  if (forwards) return { forwards, after: cursor, before: upTo }
  const isLower = cursor !== undefined && (upTo === undefined || cursor < upTo)
  return { forwards, before: isLower ? cursor : upTo }
}

function withCursor(query: URLSearchParams, items: readonly StoredMessage[]): URLSearchParams {
  const next = new URLSearchParams(query)
  next.set('cursor', items.at(-1)?.serial ?? '')
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
