import { packRows } from '../core/rows'
import type { Archive } from './archive'

export interface ArchiveRouteOptions {
  archive: Pick<Archive, 'read'>
  /** Decides whether a request may read a session; only `true` allows it. */
  authorize: (request: Request, options: { sessionName: string }) => boolean | Promise<boolean>
  /** Called with errors of `authorize` and of the archive. @default console.error */
  onError?: (error: unknown) => void
}

/** Rows in one response. */
const maxLimit = 1000

/**
 * A fetch handler from which browsers read the archive: the client option `archive` names its URL. It answers
 * `GET ?sessionName=ai:trip&before=SERIAL&limit=100`.
 *
 * @example
 * const authorize = (request, { sessionName }) => mayUse(request, sessionName)
 * export default { fetch: archiveRoute({ archive, authorize }) }
 */
export function archiveRoute(options: ArchiveRouteOptions): (request: Request) => Promise<Response> {
  const { archive, authorize, onError = console.error } = options
  return async (request) => {
    if (request.method !== 'GET') return refuse(405, `unable to accept ${request.method}; use GET`, { allow: 'GET' })
    const query = new URL(request.url).searchParams
    const sessionName = query.get('sessionName') ?? ''
    const limit = Number(query.get('limit') ?? 100)
    if (sessionName === '') return refuse(400, 'unable to read the archive; sessionName is missing')
    if (!Number.isInteger(limit) || limit < 1) return refuse(400, 'unable to read the archive; limit is not a number')
    try {
      const isAllowed: unknown = await authorize(request, { sessionName })
      if (isAllowed !== true) return refuse(403, 'unable to read the archive; not allowed')
    } catch (error) {
      onError(error)
      return refuse(403, 'unable to read the archive; not allowed')
    }
    try {
      const before = query.get('before') ?? undefined
      const rows = await archive.read({ sessionName, before, limit: Math.min(limit, maxLimit) })
      return json(200, packRows(rows, ''))
    } catch (error) {
      onError(error)
      return refuse(500, 'unable to read the archive; it failed')
    }
  }
}

const refuse = (status: number, message: string, headers?: Record<string, string>): Response =>
  json(status, { error: { code: status * 100, message } }, headers)

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
