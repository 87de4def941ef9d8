import { mkdirSync, readFileSync } from 'node:fs'
import { chromium, type Locator } from 'playwright'
import { preview } from 'vite'
import { chromiumArgs, chromiumPath } from './chromium.ts'
import { here } from './entries.ts'

/**
 * Photographs the states of an answer for the documentation, from the stories that `npm run story:build` has built: each
 * state by day (`streaming.png`) and by night (`streaming-dark.png`). A word selects the states with that word in their name.
 */
interface Picture {
  readonly story: string
  readonly variant: string
  /** Milliseconds until the state is reached. */
  readonly after?: number
  /** In CSS pixels. @default the head of a long answer, which shows its state */
  readonly maxHeight?: number
}

const card = (variant: string, after?: number): Picture => ({ story: 'Run card', variant, after })

const pictures: Readonly<Record<string, Picture>> = {
  waiting: card('Waiting for the agent'),
  streaming: card('Streaming'),
  stopping: card('Stopping, requested by another device'),
  cancelled: card('Stopped'),
  complete: card('Complete'),
  error: card('Failed'),
  suspended: { story: 'Tool call', variant: 'Needs approval', maxHeight: 440 },
  stalled: card('Stopping, requested by another device', 8000),
  'stop-refused': card('Refused Stop'),
  offline: card('Waits for the network'),
  'not-sent': card('Not sent', 4000),
}

interface Story {
  readonly id: string
  readonly title: string
  readonly variants: readonly { readonly title: string }[]
}

const folder = here('docs/images/states')
const wanted = process.argv[2] ?? ''
const chosen = Object.entries(pictures).filter(([name]) => name.includes(wanted))
const { stories } = JSON.parse(readFileSync(here('.histoire/dist/histoire.json'), 'utf8')) as { stories: Story[] }
mkdirSync(folder, { recursive: true })

const server = await preview({ configFile: false, root: here('.histoire'), preview: { port: 0, host: '127.0.0.1' } })
const browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumArgs })
try {
  for (const suffix of ['', '-dark']) {
    for (const [name, picture] of chosen) await take(picture, suffix !== '', `${name}${suffix}.png`)
  }
} finally {
  await browser.close()
  await server.close()
}

async function take(
  { story, variant, after = 0, maxHeight = 210 }: Picture,
  isDark: boolean,
  file: string,
): Promise<void> {
  const { id, variants } = stories.find(({ title }) => title === story)!
  const page = await browser.newPage({ viewport: { width: 1500, height: 6000 }, deviceScaleFactor: 2 })
  await page.route(/^https:/, (route) => route.fulfill({ json: {} }))
  await page.goto(`${server.resolvedUrls!.local[0]}story/${id}`)
  await page.evaluate((dark) => document.documentElement.classList.toggle('htw-dark', dark), isDark)
  const shown = page.locator('[data-story]').nth(variants.findIndex(({ title }) => title === variant))
  const target = shown.locator('article').first()
  await target.waitFor()
  await page.waitForTimeout(after)
  const { x, y, width, height } = await placeOf(target)
  const clip = { x, y, width, height: Math.min(height, maxHeight) }
  await page.screenshot({ path: `${folder}/${file}`, clip, animations: 'disabled' })
  await page.close()
}

/** The place of an element in view once it stays: fonts and stories above it move it while they load. */
async function placeOf(target: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  for (let before = '', looks = 0; ;) {
    await target.scrollIntoViewIfNeeded()
    const place = (await target.boundingBox())!
    looks = JSON.stringify(place) === before ? looks + 1 : 0
    if (looks === 3) return place
    before = JSON.stringify(place)
    await target.page().waitForTimeout(500)
  }
}
