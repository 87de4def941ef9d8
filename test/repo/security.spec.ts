import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { here } from '../../scripts/entries'

it('every claim of docs/security.md names tests that exist', () => {
  const text = readFileSync(here('docs/security.md'), 'utf8')
  const rows = text.split('\n').filter((line) => line.startsWith('|') && !/^\| ?-/.test(line))
  const claims = rows.filter((line) => !/\| test +\||`\{ "ai:|^\| client +\|/.test(line))
  expect(claims.length).toBeGreaterThan(25)
  const untested = claims.filter((line) => {
    const files = [...line.matchAll(/`([a-z0-9-]+\/[a-z-]+\.spec\.ts)`/g)].map(([, file]) => here(`test/${file}`))
    return files.length === 0 || !files.every((file) => existsSync(file))
  })
  expect(untested).toEqual([])
})
