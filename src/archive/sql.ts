import { ErrorCode, unableTo } from '../core/errors'
import type { RowTuple } from '../core/rows'
import { Header, MessageName } from '../core/wire'
import type { Archive, ArchivedSession } from './archive'

type SqlValue = string | number | null

/** The part of a `db0` database that the archive uses. */
export interface SqlDatabase {
  /** `'sqlite'`, `'libsql'` and `'postgresql'` are supported. */
  readonly dialect: string
  /** The name of the connector under it. */
  readonly connector?: string
  exec(sql: string): unknown
  prepare(sql: string): {
    all(...values: SqlValue[]): Promise<unknown[]>
    run(...values: SqlValue[]): Promise<unknown>
  }
}

export interface SqlArchiveOptions {
  /** The table with all rows; made when it is missing. @default 'ai_session_rows' */
  table?: string
  /**
   * The title that a row gives its session, if it is a prompt; the first row with a title names the session.
   * @default the first 200 characters of a prompt's text
   */
  title?: (row: RowTuple) => string | undefined
}

// NOTE: Cloudflare D1 takes 100 values a statement
const maxValues = 100
const columns = ['session', 'serial', 'version', 'title', 'time', 'content']
const rowsPerStatement = Math.floor(maxValues / columns.length)
/** Sorts after every other character. */
const lastCharacter = '\u{10FFFF}'

/**
 * An archive in a SQL database, over `db0`: Node's own SQLite, libSQL, Cloudflare D1 or PostgreSQL.
 *
 * @example
 * import { createDatabase } from 'db0'
 * import sqlite from 'db0/connectors/node-sqlite'
 *
 * const archive = sqlArchive(createDatabase(sqlite({ path: '.data/sessions.sqlite' })))
 *
 * @throws SessionError 40003 for another SQL dialect or a table name that is not a plain word
 */
export function sqlArchive(database: SqlDatabase, options: SqlArchiveOptions = {}): Archive {
  const { table = 'ai_session_rows', title = titleOf } = options
  const { dialect } = database
  if (!['sqlite', 'libsql', 'postgresql'].includes(dialect)) {
    throw unableTo('make an archive', `SQL dialect "${dialect}" is not supported`, ErrorCode.BadRequest)
  }
  if (!/^[a-z_]\w*$/i.test(table)) {
    throw unableTo('make an archive', `"${table}" is not a table name of letters, digits and _`, ErrorCode.BadRequest)
  }
  let made: Promise<void> | undefined
  /** Makes the table before the first statement; again after that has failed. */
  const ready = (): Promise<void> =>
    (made ??= makeTable(database, table).catch((error: unknown) => {
      made = undefined
      throw error
    }))
  const all = async (sql: string, ...values: SqlValue[]): Promise<unknown[]> => {
    await ready()
    return database.prepare(sql).all(...values)
  }
  const run = async (sql: string, ...values: SqlValue[]): Promise<void> => {
    await ready()
    await database.prepare(sql).run(...values)
  }
  const insert = (count: number): string => `
    INSERT INTO ${table} (${columns.join(', ')})
    VALUES ${Array.from({ length: count }, () => `(${columns.map(() => '?').join(', ')})`).join(', ')}
    ON CONFLICT (session, serial) DO UPDATE SET ${columns
      .slice(2)
      .map((name) => `${name} = excluded.${name}`)
      .join(', ')}
    WHERE excluded.version > ${table}.version`

  return {
    async read({ sessionName, before = lastCharacter, limit = 100 }) {
      const found = await all(
        `SELECT content FROM ${table} WHERE session = ? AND serial < ? ORDER BY serial DESC LIMIT ?`,
        sessionName,
        before,
        limit,
      )
      return (found as { content: string }[]).map(({ content }) => JSON.parse(content) as RowTuple).toReversed()
    },
    async write({ sessionName, rows }) {
      const newest = newestVersions(rows)
      for (let start = 0; start < newest.length; start += rowsPerStatement) {
        const some = newest.slice(start, start + rowsPerStatement)
        const values = some.flatMap((row) => {
          const [serial, version, , , , , time] = row
          return [sessionName, serial, version || serial, title(row) ?? null, time, JSON.stringify(row)]
        })
        await run(insert(some.length), ...values)
      }
    },
    remove: (sessionName) => run(`DELETE FROM ${table} WHERE session = ?`, sessionName),
    async sessions({ prefix = '', limit = 50 } = {}) {
      const found = await all(sessionsQuery(table), prefix, prefix + lastCharacter, prefix + lastCharacter, limit)
      return (found as { session: string; title: string | null; time: number | string }[]).map(sessionOf)
    },
  }
}

/** Two versions of a row in one statement would be an error on PostgreSQL. */
function newestVersions(rows: readonly RowTuple[]): RowTuple[] {
  const newest = new Map<string, RowTuple>()
  for (const row of rows) {
    const [serial, version] = row
    const known = newest.get(serial)
    if (!known || (version || serial) > (known[1] || serial)) newest.set(serial, row)
  }
  return [...newest.values()]
}

/** Names are found one after the other through the index, so the number of rows does not matter. */
const sessionsQuery = (table: string): string => `
  WITH RECURSIVE names (session) AS (
    SELECT MIN(session) FROM ${table} WHERE session >= ? AND session < ?
    UNION ALL
    SELECT (SELECT MIN(r.session) FROM ${table} r WHERE r.session > names.session AND r.session < ?)
    FROM names WHERE names.session IS NOT NULL
  )
  SELECT session,
    (SELECT r.title FROM ${table} r WHERE r.session = names.session AND r.title IS NOT NULL ORDER BY r.serial LIMIT 1) AS title,
    (SELECT r.time FROM ${table} r WHERE r.session = names.session ORDER BY r.serial DESC LIMIT 1) AS time
  FROM names WHERE session IS NOT NULL ORDER BY time DESC, session LIMIT ?`

const sessionOf = (found: { session: string; title: string | null; time: number | string }): ArchivedSession => ({
  sessionName: found.session,
  title: found.title ?? undefined,
  // NOTE: `pg` gives a BIGINT as text
  updatedAt: Number(found.time),
})

// NOTE: serials and names are compared by their bytes, as Ably does, in a database of any language
const keyType = (dialect: string): string => `TEXT ${dialect === 'postgresql' ? 'COLLATE "C" ' : ''}NOT NULL`

async function makeTable(database: SqlDatabase, table: string): Promise<void> {
  const key = keyType(database.dialect)
  // NOTE: PostgreSQL may refuse what another process makes at the same moment; when it says so, the other has made it
  const make = (statement: string): Promise<unknown> => {
    const run = async (): Promise<unknown> => database.exec(statement)
    return run().catch(run)
  }
  // NOTE: otherwise a second process that writes at the same moment gets an error at once
  if (database.connector === 'node-sqlite') await database.exec('PRAGMA busy_timeout = 5000')
  await make(
    `CREATE TABLE IF NOT EXISTS ${table} (session ${key}, serial ${key}, version ${key}, title TEXT, time BIGINT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (session, serial))`,
  )
  await make(`CREATE INDEX IF NOT EXISTS ${table}_titles ON ${table} (session, serial) WHERE title IS NOT NULL`)
}

const maxTitle = 200

/** The text of a prompt. */
function titleOf([, , name, transport, codec, , , , data]: RowTuple): string | undefined {
  const isPrompt = name === MessageName.input && transport[Header.role] === 'user' && !(Header.runId in transport)
  if (!isPrompt || typeof data !== 'string' || (codec.partType ?? 'text') !== 'text') return undefined
  // NOTE: PostgreSQL refuses the character NUL in a text
  return data.replaceAll('\0', '').trim().slice(0, maxTitle) || undefined
}
