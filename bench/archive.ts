import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import postgresql from 'db0/connectors/postgresql'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Archive, RowTuple, SqlDatabase } from '../src/archive/index.ts'
import { hasPostgres, startPostgres } from '../test/support/postgres.ts'
import type { Ours } from './ours.ts'
import { median } from './report.ts'

/** The costs of an archive, in milliseconds. */
export interface ArchiveCosts {
  name: string
  /** A write of a run of `runSize` rows. */
  write: number
  /** A page of 100 rows from the middle of a session. */
  page: number
  /** The list of a user's 100 sessions. */
  list: number
}

export const runSize = 20
const sessionCount = 1000

/** Fills an archive with this many rows and measures it. */
export async function archiveCosts({ archive: { sqlArchive } }: Ours, rowCount: number): Promise<ArchiveCosts[]> {
  const costs: ArchiveCosts[] = []
  const folder = mkdtempSync(join(tmpdir(), 'bench-archive-'))
  const file = createDatabase(sqlite({ path: join(folder, 'archive.sqlite') }))
  // NOTE: without these, SQLite waits for the disk after each statement
  for (const pragma of ['journal_mode = WAL', 'synchronous = NORMAL']) await file.exec(`PRAGMA ${pragma}`)
  costs.push({ name: 'SQLite', ...(await measured(sqlArchive, file, rowCount)) })
  rmSync(folder, { recursive: true })
  if (!hasPostgres) return costs
  const server = await startPostgres()
  const database = createDatabase(postgresql({ url: server.url }))
  costs.push({ name: 'PostgreSQL', ...(await measured(sqlArchive, database, rowCount)) })
  await server.stop()
  return costs
}

async function measured(
  sqlArchive: Ours['archive']['sqlArchive'],
  database: SqlDatabase & { dispose(): Promise<void> },
  rowCount: number,
): Promise<Omit<ArchiveCosts, 'name'>> {
  const archive = sqlArchive(database)
  const runs = rowCount / runSize
  for (let session = 0; session < sessionCount; session++) {
    const rows: RowTuple[] = []
    for (let run = session; run < runs; run += sessionCount) rows.push(...rowsOf(run))
    await archive.write({ sessionName: nameOf(session), rows })
  }
  const writes = await timedTimes(200, (index) =>
    archive.write({ sessionName: nameOf(index), rows: rowsOf(runs + index) }),
  )
  const pages = await timedTimes(200, (index) => page(archive, index, runs))
  const lists = await timedTimes(20, (index) => archive.sessions({ prefix: `ai:user-${index % 10}:`, limit: 50 }))
  await database.dispose()
  return { write: median(writes), page: median(pages), list: median(lists) }
}

const nameOf = (session: number): string => `ai:user-${session % 10}:${session}`

async function page(archive: Archive, index: number, runs: number): Promise<void> {
  const session = (index * 7919) % sessionCount
  // NOTE: a position in the middle, since the newest page is the fastest one
  const before = serialOf(Math.floor(runs / 2) + session, 0)
  const rows = await archive.read({ sessionName: nameOf(session), before })
  if (rows.length !== 100) throw new Error(`a page has ${rows.length} rows`)
}

const serialOf = (run: number, row: number): string => `${String(1e12 + run * runSize + row)}-000@bench:000`

const rowsOf = (run: number): RowTuple[] =>
  Array.from({ length: runSize }, (_, index): RowTuple => {
    const transport = { 'run-id': `run-${run}`, 'codec-message-id': `message-${run}`, role: 'assistant' }
    const text = 'An answer of some length. '.repeat(3)
    return [serialOf(run, index), '', 'ai-output', transport, { kind: 'text' }, 'agent', run, 0, text]
  })

async function timedTimes(count: number, action: (index: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const began = performance.now()
    await action(index)
    times.push(performance.now() - began)
  }
  return times
}
