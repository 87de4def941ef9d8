import { expect, it } from 'vitest'
import { SortedList } from '../../src/core/collections'

interface Item {
  readonly key: string
  readonly name: string
}

const listOf = (items: readonly Item[]): SortedList<Item> => {
  const list = new SortedList<Item>({ keyOf: ({ key }) => key })
  for (const item of items) list.add(item)
  return list
}
const item = (key: number, name = ''): Item => ({ key: String(key).padStart(3, '0'), name })

it.each([3, 40])(
  'a sorted list keeps items of one key in the order in which they came, with %d others between',
  (count) => {
    const others = Array.from({ length: count }, (_, index) => item(index))
    const list = listOf([item(500, 'first'), ...others, item(500, 'second')])
    expect(list.sorted().map(({ name }) => name)).toEqual([...others.map(() => ''), 'first', 'second'])
  },
)

it('a sorted list takes pages that come newest first, and gives an item back', () => {
  const pages = [3, 2, 1, 0].map((page) => Array.from({ length: 50 }, (_, index) => item(page * 50 + index)))
  const list = listOf(pages.flat())
  expect(list.sorted()).toEqual(pages.flat().toSorted((a, b) => a.key.localeCompare(b.key)))
  list.remove(pages[1]![7]!)
  expect(list.sorted()).toHaveLength(199)
  expect(list.sorted()).not.toContain(pages[1]![7])
})

it.each([
  ['older than all others', (index: number) => index],
  ['newer than all others', (index: number) => 500 + index],
  ['between two others', (index: number) => 250 + index],
  ['among the others', (index: number) => 200 + 2 * index],
])('a sorted list takes many items that are %s', (_, keyOf) => {
  const known = Array.from({ length: 100 }, (_, index) => item(index < 50 ? 151 + 2 * index : 301 + index))
  const list = listOf(known)
  const before = list.sorted()
  const added = Array.from({ length: 50 }, (_, index) => item(keyOf(index)))
  for (const each of added) list.add(each)
  expect(list.sorted()).toEqual([...known, ...added].toSorted((a, b) => a.key.localeCompare(b.key)))
  expect(before).toEqual(known)
})
