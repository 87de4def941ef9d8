import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright'
import { chromiumArgs, chromiumPath } from './chromium.ts'
import { here } from './entries.ts'
import { startPlayground } from './playground.ts'

/**
 * Photographs the playground in every state, on a desktop and a phone, by day and by night. With `--readme` the two
 * pictures of the README are taken instead.
 */
const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } }
const schemes = ['light', 'dark'] as const

const forReadme = process.argv.includes('--readme')
const folder = forReadme ? here('docs/images') : join(tmpdir(), 'playground-screenshots')

const run = (page: Page, number: number) => page.locator(`article[aria-label^="Run ${number},"]`)
const ask = async (page: Page, text: string) => {
  await page.getByLabel('Message').fill(text)
  await page.keyboard.press('Enter')
}
const stop = (page: Page, number: number) =>
  run(page, number)
    .getByRole('button', { name: /^Stop run/ })
    .click()
const until = (page: Page, number: number, status: string) =>
  page.locator(`article[aria-label^="Run ${number},"][data-status="${status}"]`).waitFor()

/** How to bring about each state; what follows it in the list goes on from there. */
const states: readonly (readonly [string, (page: Page) => Promise<unknown>])[] = [
  ['idle', (page) => page.getByRole('heading', { name: 'Ask, interrupt' }).waitFor()],
  [
    'two-streaming',
    async (page) => {
      await page.getByRole('button', { name: /Two questions at once/ }).click()
      await until(page, 2, 'streaming')
      await page.waitForTimeout(3200)
    },
  ],
  [
    'one-stopped',
    async (page) => {
      await stop(page, 1)
      await until(page, 1, 'cancelled')
      await page.waitForTimeout(500)
    },
  ],
  [
    'changed-mind',
    async (page) => {
      await page.getByLabel('Message').fill('Actually, make it five days')
      await page.getByRole('button', { name: 'Stop and send' }).click()
      await until(page, 3, 'streaming')
      await page.waitForTimeout(2500)
    },
  ],
  [
    'error',
    async (page) => {
      await page.keyboard.press('Escape')
      await until(page, 3, 'cancelled')
      await page.getByLabel('Speed').selectOption('fast')
      await ask(page, 'Show me what happens when you fail')
      await until(page, 4, 'error')
      await page.waitForTimeout(300)
    },
  ],
  [
    'reconnecting',
    async (page) => {
      await ask(page, 'How does Stop work?')
      await until(page, 5, 'streaming')
      await page.getByRole('button', { name: 'Settings' }).click()
      await page.getByRole('button', { name: /Cut my connection/ }).click()
      await page.keyboard.press('Escape')
      await page.waitForTimeout(3500)
    },
  ],
  [
    'settings',
    async (page) => {
      await page.getByRole('button', { name: 'Settings' }).click()
      await page.waitForTimeout(300)
    },
  ],
]

await using playground = await startPlayground()
await mkdir(folder, { recursive: true })
const browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumArgs })
try {
  await (forReadme ? takeReadme(browser) : takeAll(browser))
} finally {
  await browser.close()
}

async function takeAll(browser: Browser): Promise<void> {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of schemes) {
      const page = await browser.newPage({ viewport, colorScheme, hasTouch: size === 'phone' })
      await page.goto(`${playground.url}/s/lisbon-trip-${size}-${colorScheme}`)
      for (const [state, reach] of states) {
        await reach(page)
        await take(page, `${size}-${colorScheme}-${state}`)
      }
      await page.close()
    }
  }
}

async function takeReadme(browser: Browser): Promise<void> {
  for (const colorScheme of schemes) {
    const viewport = { width: 1200, height: 800 }
    const page = await browser.newPage({ viewport, colorScheme, deviceScaleFactor: 1.5 })
    await page.goto(`${playground.url}/s/lisbon-trip${colorScheme === 'dark' ? '-' : ''}`)
    await page.getByRole('button', { name: /Two questions at once/ }).click()
    await until(page, 2, 'streaming')
    await page.waitForTimeout(2900)
    await take(page, colorScheme === 'dark' ? 'two-runs-dark' : 'two-runs')
    await page.close()
  }
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path })
  console.log(path)
}
