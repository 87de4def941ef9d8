import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { here } from '../../../scripts/entries'

/** The lines of a function body, without the function. */
const linesOf = (code: string) =>
  code
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')

const pages = await Promise.all(['docs/local.md', 'docs/testing.md'].map((path) => readFile(here(path), 'utf8')))
const page = pages.join('\n')
const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => linesOf(code))
const specs = (await readdir(import.meta.dirname)).filter(
  (name) => name.endsWith('.spec.ts') && name !== 'docs.spec.ts',
)
const sources = await Promise.all(specs.map((name) => readFile(join(import.meta.dirname, name), 'utf8')))
const examples = sources.map(linesOf)

test('the pages have examples', () => {
  expect(blocks.length).toBeGreaterThan(5)
})

test.each(blocks)('an example of the pages runs here: %s', (block) => {
  expect(examples.some((example) => example.includes(block))).toBe(true)
})
