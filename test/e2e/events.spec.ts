import { expect, test } from 'vitest'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { useVisits, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit } = useVisits()

const log = (visitor: Visitor) => visitor.page.getByRole('complementary', { name: 'Event log' })
const titles = (visitor: Visitor) => log(visitor).locator('.title').allInnerTexts()

async function open(visitor: Visitor): Promise<void> {
  await visitor.press('Settings')
  await visitor.press('Event log')
  await log(visitor).waitFor()
}

test('shows the messages of the channel in their order, with those from before it was opened', async () => {
  const visitor = await visit({ allow: 40 })
  const run = await visitor.ask(lisbon)
  await run.streams()
  expect(await log(visitor).count()).toBe(0)
  await open(visitor)
  await run.stop()
  await run.reaches('cancelled')
  const kinds = ['input', 'run start', 'output', 'cancel', 'run end']
  await expect.poll(async () => (await titles(visitor)).at(-1)).toBe('run end')
  const seen = (await titles(visitor)).map((title) => title.split(',')[0]!)
  const places = kinds.map((kind) => seen.indexOf(kind))
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(places).not.toContain(-1)
  expect((await titles(visitor)).some((title) => /^output, \d+ appends$/.test(title))).toBe(true)
})

test('shows one run only, and copies its messages as a test fixture', async () => {
  const visitor = await visit({ permissions: ['clipboard-read', 'clipboard-write'], hasOwnClock: true })
  const [first, second] = [await visitor.ask(lisbon), await visitor.ask(porto)]
  await Promise.all([first.reaches('complete'), second.reaches('complete')])
  await open(visitor)
  const all = await titles(visitor)
  const runId = await second.runId()
  await log(visitor).getByLabel('Events of').selectOption(runId)
  expect((await titles(visitor)).length).toBeLessThan(all.length)
  // NOTE: the button says "Copied" for a moment only
  await visitor.stopClock()
  await visitor.press('Copy as a test fixture')
  await visitor.page.getByRole('button', { name: 'Copied' }).waitFor()
  const text = await visitor.page.evaluate(() => navigator.clipboard.readText())
  const fixture = JSON.parse(text) as { name: string; serial: string; extras: { ai: { transport: object } } }[]
  expect(fixture.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['ai-input', 'ai-run-start', 'ai-output', 'ai-run-end']),
  )
  expect(text).toContain(runId)
  expect(text).not.toContain(await first.runId())
})

test('opens a message, closes with Escape, stops no run by that, and returns the focus', async () => {
  const visitor = await visit({ allow: 40 })
  const run = await visitor.ask(lisbon)
  await run.streams()
  await open(visitor)
  await log(visitor).locator('summary').first().focus()
  await visitor.page.keyboard.press('Enter')
  await log(visitor).getByText('"codec-message-id"').first().waitFor()
  await visitor.page.keyboard.press('Escape')
  expect(await log(visitor).count()).toBe(0)
  expect(await visitor.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Settings')
  expect(await run.status()).toBe('streaming')
})

const looks = [
  ['light', { width: 1280, height: 800 }],
  ['dark', { width: 1280, height: 800 }],
  ['light', { width: 390, height: 780 }],
  ['dark', { width: 360, height: 740 }],
] as const

test.each(looks)('Axe finds nothing in the event log, and it fits (%s, %o)', async (colorScheme, viewport) => {
  const visitor = await visit({ viewport, colorScheme })
  await (await visitor.ask(lisbon)).reaches('complete')
  await open(visitor)
  await log(visitor).locator('summary').first().click()
  expect(await violationsOf(visitor.page)).toEqual([])
  expect(await overflowOf(visitor.page)).toEqual([])
})
