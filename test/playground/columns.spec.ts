import { expect, it } from 'vitest'
import { columnsOf } from '../../playground/src/markdown/columns'

const th = (...texts: string[]) => texts.map((text) => `<th>${text}</th>`).join('\n')
const td = (...texts: string[]) => texts.map((text) => `<td class="right">${text}</td>`).join('\n')
const shares = (tracks: string) => [...tracks.matchAll(/ (\d+)fr/g)].map(([, share]) => Number(share))
const least = (tracks: string) => [...tracks.matchAll(/\(([\d.]+)em/g)].map(([, width]) => Number(width))

it('gives a column of sentences more room than a column of words', () => {
  const { tracks } = columnsOf(th('Sight', 'Why'), td('Castle', 'The best view over the river'))
  expect(shares(tracks)).toEqual([11, 31])
})

it('gives no column more than 32 letters, and none less than 11', () => {
  const { tracks } = columnsOf(th('', 'Why'), td('1', 'a word '.repeat(40)))
  expect(shares(tracks)).toEqual([11, 32])
})

it('keeps a word in one piece on a narrow screen', () => {
  const { tracks, minWidth } = columnsOf(th('Accommodation', 'Why'), td('<b>yes</b>', 'a &amp; b'))
  expect(least(tracks)).toEqual([9.28, 3.83])
  expect(minWidth).toBe('13.11em')
})

it('follows from the headings alone until there is a row', () => {
  expect(shares(columnsOf(th('Sight', 'Opening hours'), '').tracks)).toEqual([11, 16])
})
