import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { archiveRoute, sqlArchive, type Archive, type RowTuple } from '../../src/archive'
import { unpackRows } from '../../src/core/rows'

const rows = Array.from({ length: 120 }, (_, index): RowTuple => [String(1000 + index), '', 'ai-output', {}, {}, 'agent', index, 0, 'text']) // prettier-ignore
const archive = sqlArchive(createDatabase(sqlite({ name: ':memory:' })))
const isAllice = (request: Request, { sessionName }: { sessionName: string }) =>
  request.headers.get('authorization') === 'alice' && sessionName.startsWith('ai:alice:')
const route = archiveRoute({ archive, authorize: isAllice })

const ask = (query: string, init?: RequestInit) => new Request(`https://app.example/api/archive?${query}`, init)
const asAlice = { headers: { authorization: 'alice' } }
const serialsOf = async (response: Response) => unpackRows(await response.json())?.messages.map(({ serial }) => serial)

beforeAll(() => archive.write({ sessionName: 'ai:alice:1', rows }))

describe('the archive route', () => {
  it('returns a page of rows', async () => {
    const newest = await route(ask('sessionName=ai:alice:1', asAlice))
    expect(newest.status).toBe(200)
    expect(newest.headers.get('cache-control')).toBe('no-store')
    expect(await serialsOf(newest)).toEqual(rows.slice(20).map(([serial]) => serial))
    const older = await route(ask('sessionName=ai:alice:1&before=1020&limit=5', asAlice))
    expect(await serialsOf(older)).toEqual(['1015', '1016', '1017', '1018', '1019'])
  })

  it('returns no rows for a session without any', async () => {
    expect(await serialsOf(await route(ask('sessionName=ai:alice:2', asAlice)))).toEqual([])
  })

  it.each([
    ['another user', 'sessionName=ai:bob:1', asAlice, 403],
    ['a user who is not logged in', 'sessionName=ai:alice:1', {}, 403],
    ['no name', '', asAlice, 400],
    ['a limit that is not a number', 'sessionName=ai:alice:1&limit=x', asAlice, 400],
    ['a limit of 0', 'sessionName=ai:alice:1&limit=0', asAlice, 400],
    ['another HTTP method', 'sessionName=ai:alice:1', { ...asAlice, method: 'POST' }, 405],
  ])('refuses %s', async (_, query, init, status) => {
    const response = await route(ask(query, init))
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error: { code: number; message: string } }
    expect(error).toEqual({ code: status * 100, message: expect.stringMatching(/^unable to/) as string })
  })

  it('returns at most 1000 rows', async () => {
    const read = vi.fn<Archive['read']>(async () => [])
    await archiveRoute({ archive: { read }, authorize: () => true })(ask('sessionName=ai:s&limit=1000000'))
    expect(read).toHaveBeenCalledWith({ sessionName: 'ai:s', before: undefined, limit: 1000 })
  })

  it.each([() => Promise.reject(new Error('secret')), () => new Response('no') as never])(
    'refuses every request if the check %s does not return true',
    async (authorize) => {
      const onError = vi.fn<(error: unknown) => void>()
      const response = await archiveRoute({ archive, authorize, onError })(ask('sessionName=ai:alice:1', asAlice))
      expect(response.status).toBe(403)
      expect(await response.text()).not.toContain('secret')
    },
  )

  it('hides the failure of a database from clients and reports it', async () => {
    const onError = vi.fn<(error: unknown) => void>()
    const failure = new Error('secret')
    const failing = archiveRoute({ archive: { read: () => Promise.reject(failure) }, authorize: () => true, onError })
    const response = await failing(ask('sessionName=ai:s'))
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect(onError).toHaveBeenCalledWith(failure)
  })
})
