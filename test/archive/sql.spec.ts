import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqlArchive, type Archive, type RowTuple, type SqlDatabase } from '../../src/archive'
import { databases, type Server } from '../support/databases'

const row = (serial: string, data?: unknown, version = '', transport = {}): RowTuple => {
  const time = 1000 + Number(serial.replace(/\D/g, '') || 0)
  const facts = [serial, version, 'ai-output', transport, { kind: 'text' }, 'agent', time, 0] as const
  return data === undefined ? facts : [...facts, data]
}

const prompt = (serial: string, data: unknown, version = '', { transport = {}, partType = 'text', flags = 0 } = {}) => {
  const [, , , , , clientId, time] = row(serial)
  return [
    serial,
    version,
    'ai-input',
    { role: 'user', ...transport },
    { partType },
    clientId,
    time,
    flags,
    data,
  ] as const
}

const serialsOf = (rows: readonly RowTuple[]): string[] => rows.map(([serial]) => serial)

describe.each(databases)('an archive in %s', (_, start) => {
  let server: Server
  let database: ReturnType<Server['connect']>
  let archive: Archive
  let count = 0
  const newName = (): string => `ai:session-${++count}`

  beforeAll(async () => {
    server = await start()
    database = server.connect()
    archive = sqlArchive(database)
  })
  afterAll(async () => {
    await database.dispose()
    await server.stop()
  })

  it('returns rows as they were written', async () => {
    const sessionName = newName()
    const rows = [
      row('01', 'grüß 👋 \0 "quoted" \\ \u{D800}'),
      row('02', { deep: [null, 1.5, { a: '' }] }),
      row('03'),
      row('04', null, '05', { 'run-id': "'; DROP TABLE ai_session_rows; --" }),
    ]
    await archive.write({ sessionName, rows })
    expect(await archive.read({ sessionName })).toEqual(rows)
  })

  it('reads pages backwards, each in the order of its serials', async () => {
    const sessionName = newName()
    const serials = Array.from({ length: 250 }, (_unused, index) => String(1000 + index))
    await archive.write({ sessionName, rows: serials.toReversed().map((serial) => row(serial, serial)) })
    const read: string[] = []
    for (let before: string | undefined; ; before = read[0]) {
      const page = serialsOf(await archive.read({ sessionName, before }))
      read.unshift(...page)
      if (page.length < 100) break
    }
    expect(read).toEqual(serials)
    expect(serialsOf(await archive.read({ sessionName, before: '1010', limit: 3 }))).toEqual(['1007', '1008', '1009'])
    expect(await archive.read({ sessionName, before: '1000' })).toEqual([])
  })

  it('sorts serials by their bytes', async () => {
    const sessionName = newName()
    const serials = ['0-9@a:0', '0-9@a:1', '0-9@a_', '00', '0A', '0_', '0a', '0z', '0ä']
    await archive.write({ sessionName, rows: serials.toReversed().map((serial) => row(serial)) })
    expect(serialsOf(await archive.read({ sessionName }))).toEqual(serials)
    expect(serialsOf(await archive.read({ sessionName, before: '0_' }))).toEqual(serials.slice(0, 5))
  })

  it('keeps the newest version of a row, in any order of writes and within one write', async () => {
    const [first, second, third] = [row('01', 'a'), row('01', 'b', '02'), row('01', 'c', '03')]
    for (const writes of [[[first], [third], [second]], [[third], [first]], [[second, third, first]]]) {
      const sessionName = newName()
      for (const rows of writes) await archive.write({ sessionName, rows })
      expect(await archive.read({ sessionName })).toEqual([third])
    }
  })

  /** The database, with the statements that it has got from now on. */
  const watched = () => {
    const statements: { sql: string; values: readonly (string | number | null)[] }[] = []
    const watching: SqlDatabase = {
      dialect: database.dialect,
      exec: (sql) => database.exec(sql),
      prepare: (sql) => {
        const statement = database.prepare(sql)
        return {
          all: (...values) => (statements.push({ sql, values }), statement.all(...values)),
          run: (...values) => (statements.push({ sql, values }), statement.run(...values)),
        }
      },
    }
    return { statements, archive: sqlArchive(watching) }
  }

  it('writes the rows of a run with one statement for each 16, of at most 100 values', async () => {
    const { statements, archive: counted } = watched()
    const rows = Array.from({ length: 100 }, (_unused, index) => row(String(100 + index)))
    await counted.write({ sessionName: newName(), rows: rows.slice(0, 16) })
    expect(statements).toHaveLength(1)
    await counted.write({ sessionName: newName(), rows })
    expect(statements).toHaveLength(1 + 7)
    expect(Math.max(...statements.map(({ values }) => values.length))).toBeLessThanOrEqual(100)
  })

  it('finds a page, the sessions of a user and the rows to remove through its index among many rows', async () => {
    const rows = Array.from({ length: 300 }, (_unused, index) => row(String(1000 + index)))
    // NOTE: PostgreSQL reads a small table whole, which costs less there
    for (let session = 0; session < 10; session++) await archive.write({ sessionName: newName(), rows })
    if (database.dialect === 'postgresql') await database.exec('ANALYZE')
    const { statements, archive: asked } = watched()
    const sessionName = `ai:session-${count}`
    expect(await asked.read({ sessionName, before: '1200' })).toHaveLength(100)
    await asked.sessions({ prefix: 'ai:session-', limit: 5 })
    await asked.remove(newName())
    expect(statements).toHaveLength(3)
    for (const { sql, values } of statements) {
      const explain = database.dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'
      const plan = JSON.stringify(await database.prepare(`${explain} ${sql}`).all(...values))
      expect(plan).toMatch(/INDEX.*session/i)
      expect(plan).not.toMatch(/(Seq Scan on|SCAN) (ai_session_rows|r\b)/)
    }
  })

  it('keeps sessions separate', async () => {
    const [one, other] = [newName(), newName()]
    await archive.write({ sessionName: one, rows: [row('01', 'one')] })
    await archive.write({ sessionName: other, rows: [row('01', 'other')] })
    expect(await archive.read({ sessionName: one })).toEqual([row('01', 'one')])
    expect(await archive.read({ sessionName: newName() })).toEqual([])
  })

  it('removes one session and no other', async () => {
    const [one, other] = [newName(), newName()]
    for (const sessionName of [one, other]) await archive.write({ sessionName, rows: [row('01')] })
    await archive.remove(one)
    expect(await archive.read({ sessionName: one })).toEqual([])
    expect(await archive.read({ sessionName: other })).toHaveLength(1)
  })

  it('accepts an empty write', async () => {
    const sessionName = newName()
    await archive.write({ sessionName, rows: [] })
    expect(await archive.read({ sessionName })).toEqual([])
  })

  it('contains the same rows if two agents write at once', async () => {
    const sessionName = newName()
    const second = server.connect()
    const other = sqlArchive(second)
    const versions = (offset: number) =>
      Array.from({ length: 60 }, (_unused, index) =>
        row(String(100 + index), offset, String(200 + ((index + offset) % 2))),
      )
    await Promise.all([
      archive.write({ sessionName, rows: versions(0) }),
      other.write({ sessionName, rows: versions(1).toReversed() }),
    ])
    const rows = await archive.read({ sessionName })
    expect(rows).toHaveLength(60)
    expect(new Set(rows.map(([, version]) => version))).toEqual(new Set(['201']))
    await second.dispose()
  })

  it('creates its table once if several processes start together', async () => {
    const connections = Array.from({ length: 6 }, () => server.connect())
    // NOTE: several tables, because the moment at which one process is refused is a narrow one
    for (let round = 0; round < 10; round++) {
      const archives = connections.map((each) => sqlArchive(each, { table: `begun_together_${round}` }))
      await Promise.all(archives.map((each, index) => each.write({ sessionName: 'ai:s', rows: [row(`0${index}`)] })))
      const serials = connections.map((_, index) => `0${index}`)
      expect(serialsOf(await archives[0]!.read({ sessionName: 'ai:s' }))).toEqual(serials)
    }
    for (const each of connections) await each.dispose()
  })

  describe('its list of sessions', () => {
    const listed = async (prefix: string, limit?: number) =>
      (await archive.sessions({ prefix, limit })).map(({ sessionName }) => sessionName)

    it('contains the sessions under a prefix, newest first', async () => {
      const names = ['ai:bob:1', 'ai:bob:2', 'ai:bob:3', 'ai:bobby:1', 'ai:al:1']
      const times = ['05', '09', '07', '01', '02']
      for (const [index, sessionName] of names.entries()) {
        await archive.write({ sessionName, rows: [row('00'), row(times[index]!)] })
      }
      expect(await listed('ai:bob:')).toEqual(['ai:bob:2', 'ai:bob:3', 'ai:bob:1'])
      expect(await listed('ai:bob:', 2)).toEqual(['ai:bob:2', 'ai:bob:3'])
      expect(await listed('ai:bob')).toContain('ai:bobby:1')
      expect(await listed('ai:nobody:')).toEqual([])
      expect((await archive.sessions()).length).toBeGreaterThan(4)
      await archive.remove('ai:bob:2')
      expect(await listed('ai:bob:')).toEqual(['ai:bob:3', 'ai:bob:1'])
    })

    it('names a session by the current text of its first prompt, with the time of its newest row', async () => {
      const sessionName = 'ai:titled:1'
      const session = async () => (await archive.sessions({ prefix: 'ai:titled:' }))[0]
      await archive.write({ sessionName, rows: [row('03', 'an answer')] })
      expect(await session()).toEqual({ sessionName, title: undefined, updatedAt: 1003 })
      await archive.write({ sessionName, rows: [prompt('02', 'Later'), prompt('01', '  Five days\0 in Rome ')] })
      expect(await session()).toEqual({ sessionName, title: 'Five days in Rome', updatedAt: 1003 })
      await archive.write({ sessionName, rows: [prompt('01', 'Six days in Rome', '04')] })
      expect((await session())?.title).toBe('Six days in Rome')
      await archive.write({ sessionName, rows: [['01', '05', 'ai-input', {}, {}, null, 1001, 1]] })
      expect((await session())?.title).toBe('Later')
    })

    it('takes no title from files, answers, steers or other values', async () => {
      const sessionName = 'ai:untitled:1'
      const rows = [
        prompt('01', 'https://files.example/a.pdf', '', { partType: 'file' }),
        prompt('02', 'steer', '', { transport: { 'run-id': 'r' } }),
        prompt('03', { output: 1 }),
        prompt('04', ' '),
        row('05', 'an answer'),
      ]
      await archive.write({ sessionName, rows })
      expect((await archive.sessions({ prefix: sessionName }))[0]?.title).toBeUndefined()
    })

    it('takes titles from a function of the app', async () => {
      const own = sqlArchive(database, { table: 'own_titles', title: ([serial]) => `row ${serial}` })
      await own.write({ sessionName: 'ai:s', rows: [row('02'), row('01')] })
      expect((await own.sessions())[0]?.title).toBe('row 01')
    })
  })
})

describe('sqlArchive', () => {
  const database = (dialect: string): SqlDatabase => ({ ...createDatabase(sqlite({ name: ':memory:' })), dialect })

  it('refuses an unknown dialect', () => {
    expect(() => sqlArchive(database('mysql'))).toThrow(/unable to make an archive; SQL dialect "mysql"/)
  })

  it.each(['', 'a b', 'a;b', '1a', 'a"b'])('refuses "%s" as the name of a table', (table) => {
    expect(() => sqlArchive(database('sqlite'), { table })).toThrow(/is not a table name/)
  })

  it('passes the failure of the database on, and works again after it', async () => {
    const good = createDatabase(sqlite({ name: ':memory:' })) as unknown as SqlDatabase
    let isDown = true
    const flaky: SqlDatabase = {
      dialect: 'sqlite',
      exec: (sql) => {
        if (isDown) throw new Error('down')
        return good.exec(sql)
      },
      prepare: (sql) => good.prepare(sql),
    }
    const archive = sqlArchive(flaky)
    await expect(archive.read({ sessionName: 'ai:s' })).rejects.toThrow('down')
    isDown = false
    expect(await archive.read({ sessionName: 'ai:s' })).toEqual([])
  })
})
