import { afterEach, expect, it, vi } from 'vitest'
import { continueInArchive, type ArchiveTarget } from '../../src/ably/archived-history'
import type { HistoryPage } from '../../src/ably/history-page'
import { packRows, type RowTuple } from '../../src/core/rows'

afterEach(() => void vi.unstubAllGlobals())

const rowAt = (serial: string): RowTuple => [serial, '', 'ai-input', {}, {}, null, 0, 0]
const serialsOf = ({ items }: HistoryPage) => items.map(({ serial }) => serial)

/** The pages of an archive after a history without messages, two rows each. */
async function pagesOf(archive: ArchiveTarget): Promise<(string | undefined)[][]> {
  const pages: (string | undefined)[][] = []
  let page = continueInArchive({ items: [], next: undefined }, { archive, sessionName: 'ai:trip', limit: 2 })
  while (page.next && pages.length < 9) pages.push(serialsOf((page = await page.next())))
  return pages
}

it('goes on in an archive until it has fewer rows than a page', async () => {
  const rows = ['1', '2', '3'].map(rowAt)
  const archive = { read: async ({ before = '~' }) => rows.filter(([serial]) => serial < before).slice(-2) }
  expect(await pagesOf(archive)).toEqual([['3', '2'], ['1']])
})

it('ends if an archive gives rows that are not older', async () => {
  expect(await pagesOf({ read: async () => ['1', '2'].map(rowAt) })).toEqual([
    ['2', '1'],
    ['2', '1'],
  ])
})

it.each([undefined, null, ''])('there is no page beyond Ably without an archive (%j)', async (archive) => {
  expect(await pagesOf(archive as never)).toEqual([])
})

it.each([
  ['/api/archive', '/api/archive?sessionName=ai%3Atrip&limit=2'],
  ['/api/archive?team=7', '/api/archive?team=7&sessionName=ai%3Atrip&limit=2'],
])('asks the route %s at %s', async (archive, url) => {
  const asked = vi.fn<(url: string) => Promise<Response>>(async () => Response.json(packRows([], '')))
  vi.stubGlobal('fetch', asked)
  await pagesOf(archive)
  expect(asked.mock.calls).toEqual([[url]])
})
