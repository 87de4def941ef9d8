import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from '../../scripts/free-port.ts'

/** The folder with PostgreSQL's programs: on the PATH, or where Debian's packages put them. */
function programsOfPostgres(): string | undefined {
  const onPath = (process.env.PATH ?? '').split(':').find((folder) => existsSync(join(folder, 'initdb')))
  const packaged = globSync('/usr/lib/postgresql/*/bin/initdb').map(dirname).toSorted().at(-1)
  return onPath ?? packaged
}

const programs = programsOfPostgres()

/** Whether a PostgreSQL server is installed on this machine. */
export const hasPostgres = programs !== undefined

export interface PostgresServer {
  readonly url: string
  stop(): Promise<void>
}

/** PostgreSQL refuses to run as root; Debian's package brings a user for it. */
function account(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Starts a PostgreSQL server with an empty database in a temporary folder. */
export async function startPostgres(): Promise<PostgresServer> {
  if (programs === undefined) throw new Error('no PostgreSQL is installed')
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
  const { uid, gid } = account()
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  const data = join(folder, 'data')
  const initdb = ['-D', data, '-U', 'test', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--no-locale']
  execFileSync(join(programs, 'initdb'), initdb, { uid, gid, cwd: folder, stdio: 'pipe' })
  const port = await freePort()
  const args = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-c', 'fsync=off']
  const server = spawn(join(programs, 'postgres'), args, { uid, gid, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    let log = ''
    server.stderr.on('data', (text: Buffer) => {
      log += text.toString()
      if (log.includes('ready to accept connections')) resolve()
    })
    void ended.then(() => reject(new Error(`PostgreSQL did not start:\n${log}`)))
  })
  return {
    url: `postgres://test@127.0.0.1:${port}/postgres`,
    async stop() {
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
