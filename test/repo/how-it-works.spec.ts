import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { here } from '../../scripts/entries'

const text = readFileSync(here('docs/how-it-works.md'), 'utf8')
const named = (pattern: RegExp): string[] => Array.from(text.matchAll(pattern), ([, file]) => file!)

it('docs/how-it-works.md names only files of src that exist', () => {
  const files = named(/`([a-z-]+\/[\w/-]+\.ts)`/g)
  expect(files.length).toBeGreaterThan(30)
  expect(files.filter((file) => !existsSync(here(`src/${file}`)))).toEqual([])
})

it('the tables of parts in docs/how-it-works.md name only files of `session/` and `core/` that exist', () => {
  const files = named(/`([a-z-]+\.ts)`/g)
  const existing = new Set(['session', 'core'].flatMap((folder) => readdirSync(here(`src/${folder}`))))
  expect(files.length).toBeGreaterThan(30)
  expect(files.filter((file) => !existing.has(file))).toEqual([])
})
