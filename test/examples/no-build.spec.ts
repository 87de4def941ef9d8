import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { here } from '../../scripts/entries'
import { startChromium } from '../support/browser'
import { filesOf, openPage, start, stopOneOfTwo } from './visit'

const folder = join(inject('examples'), 'no-build')

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
  mkdirSync(folder)
  for (const [name, text] of filesOf(readFileSync(here('docs/no-build.md'), 'utf8')))
    writeFileSync(join(folder, name), text)
  symlinkSync(join(inject('examples'), 'vite/node_modules'), join(folder, 'node_modules'))
})
afterAll(() => browser.close())

/** Serves the files of the installed packages in place of the CDN, which serves the same files. */
const withoutNetwork = (page: Page) =>
  page.route('https://cdn.jsdelivr.net/npm/**', async (route) => {
    const [, name, path] = /\/npm\/([^@/]+)@[^/]+\/(.+)$/.exec(new URL(route.request().url()).pathname)!
    const body = readFileSync(join(folder, 'node_modules', name!, path!))
    await route.fulfill({ body, contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' } })
  })

describe('the start without a build step', () => {
  it('streams two answers, and stops one of them', async () => {
    const url = await start(folder, ['server.mjs'], { PORT: '0' }, /Open (\S+)/)
    const visit = await openPage(browser, url, withoutNetwork)
    await stopOneOfTwo(visit)
    expect(visit.problems).toEqual([])
  })
})
