import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { here } from '../../scripts/entries'

it('docs/how-it-works.md names only files of src that exist', () => {
  const text = readFileSync(here('docs/how-it-works.md'), 'utf8')
  const named = Array.from(text.matchAll(/`([a-z-]+\/[\w/-]+\.ts)`/g), ([, file]) => file!)
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((file) => !existsSync(here(`src/${file}`)))).toEqual([])
})
