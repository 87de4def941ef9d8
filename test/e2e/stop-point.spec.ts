import { describe, expect, test } from 'vitest'
import { violationsOf } from './axe'
import { stopLate } from './stop-late'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'

const { visit, newSession } = useVisits()

/** Stops an answer to this prompt late: after a number of words. */
async function askAndStopLate(visitor: Visitor, other: Visitor, prompt: string, { before = 60, after = 100 } = {}) {
  const run = await visitor.ask(prompt)
  await expect.poll(async () => (await run.text()).length).toBeGreaterThan(before * 2)
  return { run, kept: await stopLate(visitor, run, other.run(1), after) }
}

describe.each(['light', 'dark'] as const)('text that was written after Stop (%s)', (colorScheme) => {
  test('is marked behind the place of the Stop, and the card explains the mark', async () => {
    const session = newSession()
    const visitor = await visit({ hasMotion: true, session, colorScheme, allow: 60 })
    const phone = await visit({
      hasMotion: true,
      session,
      colorScheme,
      viewport: { width: 390, height: 800 },
      hasTouch: true,
    })
    const { run, kept } = await askAndStopLate(visitor, phone, lisbon)
    await phone.run(1).reaches('cancelled')
    for (const { card, page } of [run, phone.run(1)].map((each) => ({ card: each.card, page: each.card.page() }))) {
      const flag = card.locator('.prose .stop-point')
      await flag.waitFor()
      expect(await flag.count()).toBe(1)
      expect(await flag.getAttribute('aria-label')).toBe('Stop was pressed here')
      const marked = (await card.locator('.prose mark').allTextContents()).join(' ').replace(/\s+/g, ' ').trim()
      expect(marked.length).toBeGreaterThan(20)
      expect(wordsFor(lisbon).startsWith(kept)).toBe(true)
      expect((await card.locator('.prose').innerText()).replace(/\s+/g, '')).toContain(marked.replace(/\s+/g, ''))
      expect(await card.locator('footer').innerText()).toMatch(/\d+ tokens arrived after Stop/)
      // NOTE: a line, so that the mark is not only a colour
      expect(
        await card
          .locator('.prose mark')
          .first()
          .evaluate((mark) => getComputedStyle(mark).textDecorationLine),
      ).toBe('underline')
      expect(await violationsOf(page)).toEqual([])
    }
    const places = await Promise.all(
      [run, phone.run(1)].map(({ card }) => card.locator('.prose mark').allTextContents()),
    )
    expect(places[1]).toEqual(places[0])
  })
})

test('is marked in code, too, and stays after a reload', async () => {
  const visitor = await visit({ allow: 20 })
  const other = await visit({ session: visitor.session })
  const code = ['```ts', ...Array.from({ length: 40 }, (_, line) => `const value${line} = ${line}`), '```'].join('\n')
  const { run } = await askAndStopLate(visitor, other, `Repeat: ${code}`, { before: 12, after: 60 })
  const marks = run.card.locator('.code mark')
  await marks.first().waitFor()
  const before = await marks.allTextContents()
  expect(await run.card.locator('.stop-point').count()).toBe(2)
  await visitor.page.reload()
  await expect.poll(() => marks.allTextContents()).toEqual(before)
})

test('an answer without such text has no mark and no explanation', async () => {
  const visitor = await visit({ allow: 4 })
  const run = await visitor.ask('Repeat: one two three four five six')
  await expect.poll(() => run.text()).toBe('one two three four')
  await run.stop()
  await run.reaches('cancelled')
  await run.card.getByText('Stopped by you').waitFor()
  expect(await run.card.locator('.stop-point, mark').count()).toBe(0)
})
