import type { RowReader, RowTuple } from '../core/rows'

/** A session in the archive. */
export interface ArchivedSession {
  /** The full channel name, such as `ai:trip`. */
  readonly sessionName: string
  /** The text of the first prompt, shortened; undefined while there is none. */
  readonly title: string | undefined
  /** When its newest row was published, in milliseconds since the epoch. */
  readonly updatedAt: number
}

/**
 * Rows of sessions in a database of the app. Ably keeps a channel's history for days; the archive keeps it as long as
 * the app does. Every row is a JSON-safe tuple that begins with its serial and its version.
 */
export interface Archive extends RowReader {
  /**
   * Keeps rows of a session, one for each serial: of two versions the newer one stays, so the order of writes does not
   * matter and a repeated write changes nothing.
   */
  write(options: { sessionName: string; rows: readonly RowTuple[] }): Promise<void>
  /** Deletes all rows of a session. An agent that still answers in it writes new ones. */
  remove(sessionName: string): Promise<void>
  /**
   * Sessions with a name that begins with `prefix`, latest row first.
   * @param options.limit - the largest number of sessions. Defaults to 50.
   */
  sessions(options?: { prefix?: string; limit?: number }): Promise<readonly ArchivedSession[]>
}
