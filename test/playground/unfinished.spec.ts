import { expect, it } from 'vitest'
import { unfinished } from '../../playground/src/markdown/unfinished'

it.each([
  ['**Where it goes', '**Where it goes**'],
  ['**Where it goes.*', '**Where it goes.**'],
  ['A *tram', 'A *tram*'],
  ['A **', 'A'],
  ['Run `npm', 'Run `npm`'],
  ['A formula: $a*b$ so', 'A formula: $a*b$ so'],
  ['$$\n\\frac{1', '$$\n\\frac{1'],
])('a text that ends inside a mark shows no raw mark: %j', (text, finished) => {
  expect(unfinished(text)).toBe(finished)
})
