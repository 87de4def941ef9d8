import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright'
import { preview, type PreviewServer } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { here } from '../../scripts/entries'
import { startChromium } from '../support/browser'

interface Story {
  readonly id: string
  readonly title: string
  readonly variants: readonly { readonly title: string }[]
}

/** The stories as `npm run story:build` has left them. */
function builtStories(): readonly Story[] {
  try {
    return (JSON.parse(readFileSync(here('.histoire/dist/histoire.json'), 'utf8')) as { stories: Story[] }).stories
  } catch (cause) {
    throw new Error('unable to read the built stories; run `npm run story:build` first', { cause })
  }
}

let server: PreviewServer
let browser: Browser
let page: Page
const said: string[] = []

beforeAll(async () => {
  server = await preview({ configFile: false, root: here('.histoire'), preview: { port: 0, host: '127.0.0.1' } })
  browser = await startChromium()
  page = await browser.newPage({ viewport: { width: 1600, height: 1000 } })
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') said.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => said.push(`uncaught: ${error.stack ?? error.message}`))
  // NOTE: Histoire loads the icons of its own pages from the network, which a test does without
  await page.route(/^https:/, (route) => route.fulfill({ json: {} }))
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

test.each(builtStories().map(({ title, ...story }) => [title, story] as const))(
  'the story "%s" shows each of its states in both themes, without a word in the console',
  async (_, { id, variants }) => {
    said.length = 0
    const { port } = server.httpServer.address() as { port: number }
    await page.goto(`http://127.0.0.1:${port}/story/${id}`)
    await expect.poll(() => shownStates(page)).toBe(variants.length)
    await page.evaluate(() => document.documentElement.classList.toggle('htw-dark'))
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))))
    expect(said).toEqual([])
  },
)

/** Counts the states on the page. Histoire renders those below the window when the page is scrolled to its end. */
const shownStates = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const states = [...document.querySelectorAll('[data-story]')]
    for (let element = states.at(-1); element; element = element.parentElement ?? undefined) {
      element.scrollTop = element.scrollTop === 0 ? element.scrollHeight : 0
    }
    return states.length
  })
