import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { useVisits } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const stops = 'How does Stop work?'

const { visit } = useVisits()

describe('the dock on a phone', () => {
  test.for([
    [360, 740, 3],
    [390, 780, 3],
    [360, 420, 2],
  ] as const)('at %i by %i px each of %i Stops lies on its own chip only', async ([width, height, count]) => {
    const visitor = await visit({ hasMotion: true, viewport: { width, height }, hasTouch: true, allow: 40 })
    const runs = []
    for (const prompt of [lisbon, porto, stops].slice(0, count)) runs.push(await visitor.ask(prompt))
    await Promise.all(runs.map((run) => run.streams()))
    await visitor.page.locator('main').evaluate((main) => main.scrollTo(0, 0))
    const chips = visitor.page.locator('.dock li')
    expect(await chips.count()).toBe(count)
    const inDock = visitor.page.locator('.dock li').getByRole('button', { name: /^Stop run/ })
    await inDock.first().waitFor()
    // NOTE: a chip can be redrawn while the test looks at it
    await eventually(async () => {
      for (const stop of await inDock.all()) {
        await stop.scrollIntoViewIfNeeded({ timeout: 2000 })
        const isOnTop = await stop.evaluate((button) => {
          const { left, right, top, bottom } = button.getBoundingClientRect()
          const chip = button.closest('li')!.getBoundingClientRect()
          const inside = left >= chip.left && right <= chip.right
          const points = [left + 2, (left + right) / 2, right - 2]
          const hits = points.map((x) => document.elementFromPoint(x, (top + bottom) / 2))
          return inside && hits.every((hit) => button.contains(hit))
        })
        expect(isOnTop).toBe(true)
      }
    })
    const last = runs.at(-1)!
    const place = await last.card.getAttribute('data-place')
    await visitor.page
      .locator(`.dock li[data-place="${place}"]`)
      .getByRole('button', { name: /^Stop run/ })
      .click()
    await last.reaches('cancelled')
    expect(await runs[0]!.status()).toBe('streaming')
  })
})

test('on a tablet each of six chips names its run, also beside its Stop', async () => {
  const visitor = await visit({ hasMotion: true, viewport: { width: 768, height: 1024 }, allow: 40 })
  const runs = []
  for (const prompt of [lisbon, porto, stops, 'hello', lisbon, porto]) runs.push(await visitor.ask(prompt))
  await Promise.all(runs.map((run) => run.streams()))
  const chips = visitor.page.locator('.dock li')
  await chips
    .getByRole('button', { name: /^Stop run/ })
    .first()
    .waitFor()
  const names = await chips.locator('.topic').evaluateAll((topics) => topics.map((topic) => topic.clientWidth))
  expect(names).toHaveLength(6)
  for (const width of names) expect(width).toBeGreaterThan(48)
})

describe('Escape', () => {
  test('stops the run with focus, not the newest', async () => {
    const visitor = await visit({ hasMotion: true, allow: 40 })
    const [first, second] = [await visitor.ask(lisbon), await visitor.ask(porto)]
    await Promise.all([first.streams(), second.streams()])
    await first.stopButton.focus()
    await visitor.page.keyboard.press('Escape')
    await first.reaches('cancelled')
    expect(await second.status()).toBe('streaming')
  })

  test('pressed twice in a row stops one run', async () => {
    const visitor = await visit({ hasMotion: true, allow: 40, hasOwnClock: true })
    const [first, second] = [await visitor.ask(lisbon), await visitor.ask(porto)]
    await Promise.all([first.streams(), second.streams()])
    await visitor.stopClock()
    await visitor.page.keyboard.press('Escape')
    await visitor.page.keyboard.press('Escape')
    await visitor.page.clock.resume()
    await second.reaches('cancelled')
    await visitor.page.clock.fastForward(1200)
    expect(await first.status()).toBe('streaming')
    await visitor.page.keyboard.press('Escape')
    await first.reaches('cancelled')
  })
})
