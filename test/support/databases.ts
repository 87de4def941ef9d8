import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import postgresql from 'db0/connectors/postgresql'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SqlDatabase } from '../../src/archive'
import { hasPostgres, startPostgres } from './postgres'

/** A database server, or a file in its place. */
export interface Server {
  /** Another connection to the same database. */
  connect(): SqlDatabase & { dispose(): Promise<void> }
  stop(): Promise<void>
}

/** Starts a database; each call returns a new connection to the same data. */
export const databases: [name: string, start: () => Promise<Server>][] = [
  [
    'SQLite',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'archive-'))
      return {
        connect: () => createDatabase(sqlite({ path: join(folder, 'archive.sqlite') })),
        stop: async () => rmSync(folder, { recursive: true }),
      }
    },
  ],
]
if (hasPostgres) {
  databases.push([
    'PostgreSQL',
    async () => {
      const server = await startPostgres()
      return { connect: () => createDatabase(postgresql({ url: server.url })), stop: () => server.stop() }
    },
  ])
} else {
  console.info('archive: no PostgreSQL on this machine, tested with SQLite alone')
}
