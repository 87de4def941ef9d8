import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright'
import { chromiumArgs, chromiumPath } from './chromium.ts'
import { here } from './entries.ts'
import { startPlayground } from './playground.ts'

/**
 * Photographs the playground in every state, on a desktop and a phone, by day and by night. With `--readme` the picture of
 * the README, a strip of a scene, is taken instead; any other word selects the walks with that word in their name.
 */
const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } }
const schemes = ['light', 'dark'] as const

const forReadme = process.argv.includes('--readme')
const wanted = process.argv.slice(2).find((word) => !word.startsWith('--')) ?? ''
const folder = forReadme ? here('docs/images') : join(tmpdir(), 'playground-screenshots')

const run = (page: Page, number: number) => page.locator('article').nth(number - 1)
const ask = async (page: Page, text: string) => {
  await page.getByLabel('Message', { exact: true }).fill(text)
  await page.keyboard.press('Enter')
}
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()
const until = (page: Page, number: number, status: string) =>
  run(page, number)
    .and(page.locator(`[data-status="${status}"]`))
    .waitFor()
/** Starts a fault in the drawer of the settings. */
const fault = async (page: Page, name: string) => {
  await press(page, 'Settings')
  await press(page, 'Simulate failures')
  await page.locator('#faults').getByRole('button', { name }).click()
  await page
    .locator('#faults')
    .getByText(/: (for|done)/)
    .waitFor({ state: 'attached' })
  // NOTE: on a phone the drawer has closed itself, and Escape would stop a run
  if ((await page.locator('#faults:popover-open').count()) > 0) await page.keyboard.press('Escape')
}
const speed = (page: Page, name: string) => page.getByLabel('Speed').selectOption(name)

type Step = readonly [state: string, reach: (page: Page) => Promise<unknown>]

/** The steps to each state. The next state of a walk continues from there. */
const walks: Readonly<Record<string, readonly Step[]>> = {
  runs: [
    ['idle', (page) => page.getByRole('heading', { name: 'Ask, interrupt' }).waitFor()],
    [
      'two-streaming',
      async (page) => {
        await ask(page, 'Plan a weekend in Lisbon for two')
        await ask(page, 'And what would three nights in Porto cost?')
        await until(page, 2, 'streaming')
        await page.waitForTimeout(3200)
      },
    ],
    [
      'one-stopped',
      async (page) => {
        await run(page, 1)
          .getByRole('button', { name: /^Stop run/ })
          .click()
        await until(page, 1, 'cancelled')
        await page.waitForTimeout(500)
      },
    ],
    [
      'changed-mind',
      async (page) => {
        await page.getByLabel('Message', { exact: true }).fill('Actually, make it five days')
        await press(page, 'Stop and send')
        await until(page, 3, 'streaming')
        await page.waitForTimeout(2500)
      },
    ],
    [
      'error',
      async (page) => {
        await page.keyboard.press('Escape')
        await until(page, 3, 'cancelled')
        await speed(page, 'Fast')
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
        await press(page, 'Settings')
        await press(page, /Cut my connection/)
        await page.keyboard.press('Escape')
        await page.waitForTimeout(3500)
      },
    ],
    [
      'settings',
      async (page) => {
        await press(page, 'Settings')
        await page.waitForTimeout(300)
      },
    ],
  ],
  tools: [
    [
      'asking',
      async (page) => {
        await press(page, /Book a table/)
        await until(page, 1, 'suspended')
      },
    ],
    [
      'approved',
      async (page) => {
        await press(page, 'Approve Book table')
        await until(page, 1, 'streaming')
        await page.waitForTimeout(500)
      },
    ],
    [
      'done',
      async (page) => {
        await until(page, 1, 'complete')
        await press(page, /^Book table/)
      },
    ],
    [
      'denied',
      async (page) => {
        await ask(page, 'Book a table for two on Friday')
        await until(page, 2, 'suspended')
        await page.getByLabel('Reason for denying').fill('Too late for us')
        await press(page, 'Deny Book table')
        await until(page, 2, 'complete')
      },
    ],
    [
      'progress',
      async (page) => {
        await ask(page, 'Look up where to hear fado')
        await run(page, 3).getByRole('progressbar').waitFor()
        await page.waitForTimeout(1200)
      },
    ],
    ['sources', (page) => until(page, 3, 'complete')],
  ],
  parts: [
    [
      'thinking',
      async (page) => {
        await speed(page, 'Fast')
        await press(page, /Think first/)
        await run(page, 1).getByRole('button', { name: 'Thinking' }).waitFor()
        await page.waitForTimeout(900)
      },
    ],
    ['thought', (page) => until(page, 1, 'complete')],
    ['thoughts-open', (page) => press(page, /^Thought for/)],
    [
      'painted',
      async (page) => {
        await ask(page, 'Paint the Tagus at dusk')
        await until(page, 2, 'complete')
        await page.waitForTimeout(400)
      },
    ],
    [
      'attached',
      async (page) => {
        const painted = (await run(page, 2).locator('img').getAttribute('src'))!
        const buffer = Buffer.from(painted.slice(painted.indexOf(',') + 1), 'base64')
        await page.locator('input[type=file]').setInputFiles([
          { name: 'dusk.png', mimeType: 'image/png', buffer },
          { name: 'notes-on-shoes.txt', mimeType: 'text/plain', buffer: Buffer.from('with grip') },
          { name: 'holiday.png', mimeType: 'image/png', buffer: Buffer.alloc(3_200_000) },
        ])
        await page.getByText('too large').waitFor()
      },
    ],
    [
      'sent-files',
      async (page) => {
        await ask(page, 'What do you make of these?')
        await until(page, 3, 'complete')
        await page.waitForTimeout(300)
      },
    ],
  ],
  versions: [
    [
      'editing',
      async (page) => {
        await ask(page, 'Plan a weekend in Lisbon for two')
        await until(page, 1, 'streaming')
        await page.getByLabel('Message', { exact: true }).fill('Actually, make it five days')
        await press(page, 'Stop and send')
        await until(page, 2, 'streaming')
        await page.waitForTimeout(1500)
        await press(page, /^Edit prompt “Actually/)
        await page.keyboard.type(', and no hills')
      },
    ],
    [
      'edited',
      async (page) => {
        await page.keyboard.press('Enter')
        await page.getByText('running on another branch').waitFor()
        await until(page, 2, 'streaming')
        await page.waitForTimeout(1500)
      },
    ],
    [
      'regenerated',
      async (page) => {
        await run(page, 2)
          .getByRole('button', { name: /^Stop run/ })
          .click()
        await until(page, 2, 'cancelled')
        await page.waitForTimeout(1000)
        await run(page, 2)
          .getByRole('button', { name: /^Regenerate/ })
          .click()
        await until(page, 2, 'streaming')
        await page.waitForTimeout(1500)
      },
    ],
    [
      'compared',
      async (page) => {
        await press(page, /compare the versions of run/)
        await page.waitForTimeout(800)
      },
    ],
  ],
  faults: [
    [
      'drawer',
      async (page) => {
        await press(page, 'Settings')
        await press(page, 'Simulate failures')
        await page.waitForTimeout(300)
      },
    ],
    [
      'agent-down',
      async (page) => {
        await page.keyboard.press('Escape')
        await fault(page, 'Respond with 500')
        await ask(page, 'Plan a weekend in Lisbon for two')
        await page.getByText(/Tried \d time/).waitFor()
        await page.waitForTimeout(400)
      },
    ],
    [
      'agent-back',
      async (page) => {
        await until(page, 1, 'streaming')
        await page.waitForTimeout(1200)
      },
    ],
    [
      'stop-refused',
      async (page) => {
        await fault(page, 'Refuse every Stop')
        await page.keyboard.press('Escape')
        await page.getByText('refused to stop').first().waitFor()
      },
    ],
    [
      'killed',
      async (page) => {
        await fault(page, 'Kill the agent')
        await page.waitForTimeout(16_000)
        await page.keyboard.press('Escape')
        await page.getByText("isn't responding").first().waitFor({ timeout: 15_000 })
      },
    ],
    [
      'forbidden',
      async (page) => {
        await fault(page, 'Restart the agent')
        await fault(page, 'Respond with 403')
        await ask(page, 'And what would three nights in Porto cost?')
        await page.getByText('have no access').waitFor()
      },
    ],
    [
      'not-sent',
      async (page) => {
        await fault(page, 'Refuse my messages')
        await ask(page, 'Which museums are free on Sundays?')
        await page.getByText('Not sent').waitFor()
      },
    ],
    [
      'offline',
      async (page) => {
        await page.waitForTimeout(10_000)
        await fault(page, 'Drop it for longer')
        await page.locator('[data-connection="reconnecting"]').waitFor()
        await ask(page, 'Is the funicular worth it?')
        await page.getByText('Sends when').waitFor()
        await page.waitForTimeout(2500)
      },
    ],
    ['offline-long', (page) => page.getByText('Still offline').waitFor({ timeout: 20_000 })],
    [
      'caught-up',
      (page) =>
        page
          .getByText(/Caught up|up to date/)
          .first()
          .waitFor({ timeout: 30_000 }),
    ],
  ],
  steers: [
    [
      'menu',
      async (page) => {
        await speed(page, 'Slow')
        await ask(page, 'Plan a weekend in Lisbon for two')
        await ask(page, 'And what would three nights in Porto cost?')
        await until(page, 2, 'streaming')
        await page.waitForTimeout(2500)
        await page.getByLabel('Message', { exact: true }).fill('We do not eat fish')
        await press(page, 'More ways to send')
        await page.waitForTimeout(200)
      },
    ],
    [
      'waiting',
      async (page) => {
        await press(page, /^Steer run “Plan/)
        await run(page, 1).locator('[data-steer="waiting"]').waitFor()
      },
    ],
    [
      'seen',
      async (page) => {
        await run(page, 1).locator('[data-steer="consumed"]').waitFor()
        await page.waitForTimeout(1800)
      },
    ],
  ],
  panels: [
    [
      'queue',
      async (page) => {
        await speed(page, 'Slow')
        await ask(page, 'Plan a weekend in Lisbon for two')
        await until(page, 1, 'streaming')
        await press(page, 'More ways to send')
        await page.getByLabel('While an answer is streaming, Enter').selectOption('queues')
        await page.keyboard.press('Escape')
        for (const text of ['And what would three nights in Porto cost?', 'How does Stop work?']) await ask(page, text)
        await page.waitForTimeout(1200)
      },
    ],
    [
      'queue-paused',
      async (page) => {
        await page.keyboard.press('Escape')
        await page.locator('[data-queue="paused"]').waitFor()
        await page.waitForTimeout(300)
      },
    ],
    [
      'events',
      async (page) => {
        await press(page, 'Settings')
        await press(page, 'Event log')
        await page.waitForTimeout(300)
      },
    ],
    [
      'phone-link',
      async (page) => {
        await page.keyboard.press('Escape')
        const link = page.getByRole('button', { name: 'Open on a phone' })
        if (await link.isVisible()) await link.click()
        await page.waitForTimeout(800)
      },
    ],
    [
      'two-devices',
      async (page) => {
        await page.goto(page.url().replace('/s/', '/two/'))
        await page.frameLocator('iframe[title$="Phone"]').locator('article').waitFor()
        await page.waitForTimeout(600)
      },
    ],
  ],
}

await using playground = await startPlayground()
await mkdir(folder, { recursive: true })
const browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumArgs })
try {
  if (forReadme) for (const colorScheme of schemes) await takeStrip(browser, colorScheme)
  else await takeAll(browser)
} finally {
  await browser.close()
}

async function takeAll(browser: Browser): Promise<void> {
  const chosen = Object.entries(walks).filter(([walk]) => walk.includes(wanted))
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of schemes) {
      for (const [walk, steps] of chosen) {
        const page = await browser.newPage({ viewport, colorScheme, hasTouch: size === 'phone' })
        await page.goto(
          `${playground.url}/s/lisbon-trip-${size}-${colorScheme}-${walk}${walk === 'faults' ? '?speed=slow' : ''}`,
        )
        for (const [state, reach] of steps) {
          await reach(page)
          await take(page, `${size}-${colorScheme}-${walk}-${state}`)
        }
        await page.close()
      }
    }
  }
}

/** Plays a scene and puts pictures of its steps side by side. */
async function takeStrip(browser: Browser, colorScheme: (typeof schemes)[number]): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 960, height: 620 }, colorScheme, deviceScaleFactor: 1.5 })
  await page.goto(`${playground.url}/s/lisbon-${colorScheme === 'dark' ? 'by-night' : 'by-day'}`)
  const frames: string[] = []
  const takeFrame = async () => {
    await page.mouse.move(0, 0)
    await page.waitForTimeout(700)
    frames.push((await page.screenshot()).toString('base64'))
  }
  await press(page, /^Two questions at once/)
  await until(page, 2, 'streaming')
  await press(page, 'Pause the scene')
  await takeFrame()
  await press(page, 'Continue the scene')
  await page.getByRole('button', { name: 'Play the scene again' }).waitFor()
  await takeFrame()
  await page.close()

  const strip = await browser.newPage({ viewport: { width: 1440, height: 482 }, colorScheme, deviceScaleFactor: 1.5 })
  const images = frames.map((frame) => `<img src="data:image/png;base64,${frame}">`).join('')
  const look =
    'body{margin:0;display:flex;gap:12px;padding:12px;background:Canvas}img{width:702px;border-radius:8px;outline:1px solid #8886}'
  await strip.setContent(`<style>:root{color-scheme:${colorScheme}}${look}</style>${images}`)
  const path = join(folder, colorScheme === 'dark' ? 'scene-dark.jpg' : 'scene.jpg')
  await strip.screenshot({ path, type: 'jpeg', quality: 82 })
  await strip.close()
  console.log(path)
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path })
  console.log(path)
}
