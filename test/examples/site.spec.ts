import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { serve } from 'vitepress'
import { here } from '../../scripts/entries'
import { violationsOf } from '../e2e/axe'
import { startChromium } from '../support/browser'

const pages = ['/', '/get-started', '/no-build', '/interruption', '/states', '/conversations', '/production', '/troubleshooting', '/api/archive'] // prettier-ignore
const themes = ['light', 'dark'] as const
const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }

let browser: Browser
let server: Server
let url: string
beforeAll(async () => {
  if (!existsSync(here('docs/.vitepress/dist/index.html')))
    throw new Error('unable to test the site; run `npm run docs:build` first')
  ;({ server } = (await serve({ root: here('docs'), port: 0 })) as unknown as { server: Server })
  url = `http://localhost:${(server.address() as AddressInfo).port}`
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
  server.close()
})

describe.each(pages)('the page %s of the site', (path) => {
  it.each(themes)('has no serious finding of Axe, loads all pictures, and fits on a phone: %s', async (colorScheme) => {
    const context = await browser.newContext({ viewport: sizes.desktop, colorScheme, reducedMotion: 'reduce' })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const problems: string[] = []
    page.on('pageerror', ({ message }) => problems.push(message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(url + path, { waitUntil: 'load' })
    await page.locator('#app main, #app .VPHome').first().waitFor()
    expect(await violationsOf(page)).toEqual([])
    const broken = () => [...document.images].filter(({ naturalWidth }) => naturalWidth === 0).map(({ src }) => src)
    expect(await page.evaluate(broken)).toEqual([])
    await page.setViewportSize(sizes.phone)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(sizes.phone.width)
    expect(problems).toEqual([])
  })
})

describe('the site', () => {
  it('finds a page by a word, without a network', async () => {
    const page = await browser.newPage({ viewport: sizes.desktop })
    onTestFinished(() => page.close())
    await page.goto(`${url}/get-started`)
    await page.getByRole('button', { name: 'Search' }).first().click()
    await page.getByRole('searchbox').fill('whenBusy')
    await page.getByRole('option').first().waitFor()
    await page.getByRole('searchbox').press('Enter')
    await expect.poll(() => page.url()).not.toBe(`${url}/get-started`)
  })
})
