import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { useVisits, type RunOnPage, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit, newSession } = useVisits()

/** Waits until the end of a run's text is inside the conversation's visible area; the page scrolls a frame later. */
const showsItsEnd = async ({ card }: RunOnPage): Promise<void> => {
  const isShown = () =>
    card.evaluate((element) => {
      const view = document.querySelector('main')!.getBoundingClientRect()
      const body = element.querySelector('.body')!.getBoundingClientRect()
      const end = element.querySelector('.answer')!.lastElementChild!.getBoundingClientRect().bottom
      return end > body.top && end <= Math.min(view.bottom, body.bottom) + 1
    })
  await expect.poll(isShown).toBe(true)
}

const latest = (visitor: Visitor) => visitor.page.getByRole('button', { name: 'Latest' })
const colour = (run: RunOnPage) => run.card.evaluate((card) => getComputedStyle(card).getPropertyValue('--lane'))

describe('two answers on a desktop', () => {
  test('have lanes of equal height that scroll to their own ends, even if the second one starts late', async () => {
    const visitor = await visit({ hasMotion: true, allow: 150 })
    const first = await visitor.ask(lisbon)
    await first.streams(90)
    const second = await visitor.ask(porto)
    await second.streams(20)
    await showsItsEnd(first)
    await showsItsEnd(second)
    const heights = await visitor.cards.evaluateAll((cards) => cards.map((card) => card.getBoundingClientRect().height))
    expect(heights).toHaveLength(2)
    expect(heights[0]).toBe(heights[1])
    await visitor.allow('all')
    await first.reaches('complete')
    await showsItsEnd(first)
    await showsItsEnd(second)
  })

  test('can be expanded to their full length', async () => {
    const visitor = await visit({ allow: 40 })
    const [first, second] = [await visitor.ask(lisbon), await visitor.ask(porto)]
    await visitor.allow('all')
    await Promise.all([first.reaches('complete'), second.reaches('complete')])
    const hidden = () => first.card.locator('.body').evaluate((body) => body.scrollHeight - body.clientHeight)
    await expect.poll(hidden).toBeGreaterThan(100)
    await first.card.getByRole('button', { name: /^Expand/ }).click()
    await expect.poll(hidden).toBe(0)
    await first.card.getByRole('button', { name: /^Collapse/ }).click()
    await expect.poll(hidden).toBeGreaterThan(100)
  })
})

test('a prompt that is sent offline is visible beside the long answer before it', async () => {
  const visitor = await visit({ hasMotion: true, allow: 150 })
  await visitor.prolongFaults()
  const first = await visitor.ask(lisbon)
  await first.streams(90)
  await visitor.press('Settings')
  await visitor.press(/Cut my connection/)
  await visitor.page.keyboard.press('Escape')
  await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
  const kept = await visitor.ask('hello')
  await eventually(async () => {
    const { y } = (await kept.card.boundingBox())!
    expect(y).toBeGreaterThan(56)
    expect(y + 100).toBeLessThan(800)
  })
})

test('the page follows a regenerated answer further up, and the button to the latest answer is never stale', async () => {
  const visitor = await visit({ hasMotion: true, viewport: { width: 1000, height: 520 } })
  const first = await visitor.ask(lisbon)
  await first.reaches('complete')
  await (await visitor.ask('hello')).reaches('complete')
  await visitor.allow(150)
  await visitor.page.locator('main').evaluate((main) => main.scrollTo(0, 0))
  await latest(visitor).waitFor()
  await first.card.getByRole('button', { name: /^Regenerate/ }).click()
  await expect.poll(() => visitor.cards.count()).toBe(1)
  await first.streams(90)
  await showsItsEnd(first)
  await expect.poll(() => latest(visitor).count()).toBe(0)
})

test('a run has the same colour on all devices, even if only the end of the conversation is loaded', async () => {
  const session = newSession()
  const visitor = await visit({ session, speed: 2000 })
  for (let index = 0; index < 17; index++) await (await visitor.ask(`hello ${index}`)).reaches('complete')
  const other = await visit({ session })
  await other.run(1).reaches('complete')
  const shown = await other.cards.count()
  expect(shown).toBeLessThan(17)
  const colours = async (page: Visitor, from: number) =>
    Promise.all(Array.from({ length: shown }, (_, index) => colour(page.run(from + index))))
  const before = await colours(other, 1)
  expect(before).toEqual(await colours(visitor, 17 - shown + 1))
  expect(new Set(before).size).toBeGreaterThan(1)
  await other.press('Show earlier messages')
  await expect.poll(() => other.cards.count()).toBe(17)
  expect(await colours(other, 17 - shown + 1)).toEqual(before)
  expect(await other.page.locator('main').innerText()).not.toMatch(/Run \d|Prompt \d/)
})
