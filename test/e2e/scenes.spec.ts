import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { shiftsOf, watchShifts } from './shifts'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const fiveDays = 'Actually, make it five days'

const { visit } = useVisits()

const bar = (visitor: Visitor) => visitor.page.getByRole('region', { name: /^Scene/ })
const isOver = (visitor: Visitor) => bar(visitor).getByRole('button', { name: 'Play the scene again' }).waitFor()

describe('the scene', () => {
  test('"Change my mind" stops the first answer and asks again', async () => {
    const visitor = await visit({ allow: 60 })
    await visitor.press(/^Change my mind/)
    await isOver(visitor)
    const [first, second] = [visitor.run(1), visitor.run(2)]
    expect(await first.status()).toBe('cancelled')
    const kept = await first.text()
    expect(kept.length).toBeGreaterThan(50)
    expect(wordsFor(lisbon).startsWith(kept)).toBe(true)
    await visitor.allow('all')
    await second.reaches('complete')
    await second.reads(wordsFor(fiveDays))
    expect(await visitor.message.inputValue()).toBe('')
  })

  test('"Two questions at once" stops one answer, and the other continues', async () => {
    const visitor = await visit({ allow: 60 })
    await visitor.press(/^Two questions at once/)
    await isOver(visitor)
    const [first, second] = [visitor.run(1), visitor.run(2)]
    expect(await first.status()).toBe('cancelled')
    expect(await second.status()).toBe('streaming')
    await bar(visitor).getByText('One answer stopped, and the other continues.').waitFor()
    await visitor.allow('all')
    await second.reaches('complete')
    await second.reads(wordsFor(porto))
    expect(wordsFor(lisbon).startsWith(await first.text())).toBe(true)
  })

  test('"Train tunnel" loses the connection and nothing else', async () => {
    const visitor = await visit({ allow: 60 })
    await visitor.press(/^Train tunnel/)
    await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
    await visitor.allow('all')
    await isOver(visitor)
    await visitor.run(1).reads(wordsFor(lisbon))
    await visitor.run(2).reads(wordsFor(porto))
    expect(await visitor.cards.count()).toBe(2)
  })

  test('"Phone stops laptop" plays on two devices', async () => {
    const visitor = await visit({ hasMotion: true, allow: 60 })
    await visitor.press(/^Phone stops laptop/)
    await isOver(visitor)
    for (const name of ['Laptop', 'Phone']) {
      const frame = visitor.page.frameLocator(`iframe[title="The conversation on ${name}"]`)
      expect(await frame.locator('article[data-status="cancelled"]').count()).toBe(1)
    }
    await visitor.page.getByText(/Stop, Phone to Laptop:/).waitFor()
    const laptop = visitor.page.frameLocator('iframe[title="The conversation on Laptop"]')
    expect(await laptop.locator('article').innerText()).toMatch(/Stopped by you on Phone/)
    expect(await violationsOf(visitor.page)).toEqual([])
  })

  test('"Phone stops laptop" on a phone brings the device into view that does something', async () => {
    const visitor = await visit({
      hasMotion: true,
      viewport: { width: 390, height: 780 },
      hasTouch: true,
      allow: 'nothing',
    })
    const distance = () =>
      visitor.page
        .locator('.pane.phone')
        .evaluate((pane) => Math.round(pane.getBoundingClientRect().bottom - innerHeight))
    await visitor.press(/^Phone stops laptop/)
    await visitor.page.getByText('The laptop asks.').waitFor()
    expect(await distance()).toBeGreaterThan(100)
    await visitor.allow(60)
    await isOver(visitor)
    // NOTE: the page moves there smoothly
    await eventually(async () => expect(await distance()).toBeLessThanOrEqual(0))
    const caption = (await visitor.page.locator('.scene').boundingBox())!
    expect(caption.y).toBeGreaterThanOrEqual(0)
    expect(await violationsOf(visitor.page)).toEqual([])
  })
})

describe('a scene', () => {
  test('waits while it is paused, and is operated with the keyboard alone', async () => {
    const visitor = await visit({ allow: 60 })
    await visitor.page.getByRole('button', { name: /^Change my mind/ }).focus()
    await visitor.page.keyboard.press('Enter')
    await visitor.run(1).streams(15)
    const pause = bar(visitor).getByRole('button', { name: 'Pause the scene' })
    await pause.focus()
    await visitor.page.keyboard.press('Enter')
    const step = () => bar(visitor).getByRole('progressbar').getAttribute('aria-label')
    const before = await step()
    await visitor.allow('all')
    await visitor.run(1).reaches('complete')
    expect(await step()).toBe(before)
    expect(await visitor.cards.count()).toBe(1)
    await bar(visitor).getByRole('button', { name: 'Continue the scene' }).waitFor()
    await bar(visitor).getByRole('button', { name: 'End the scene' }).focus()
    await visitor.page.keyboard.press('Enter')
    expect(await bar(visitor).count()).toBe(0)
    expect(await visitor.message.evaluate((box) => box === document.activeElement)).toBe(true)
  })

  test('does not claim a Stop of an answer that had ended', async () => {
    const visitor = await visit({ allow: 60 })
    await visitor.press(/^Two questions at once/)
    await visitor.run(1).streams(15)
    await bar(visitor).getByRole('button', { name: 'Pause the scene' }).click()
    await visitor.allow('all')
    await visitor.run(1).reaches('complete')
    await bar(visitor).getByRole('button', { name: 'Continue the scene' }).click()
    await isOver(visitor)
    expect(await visitor.run(1).status()).toBe('complete')
    await bar(visitor).getByText('The first answer ended before its Stop.').waitFor()
  })

  test('shifts the page by at most 0.02, once its two lanes are there', async () => {
    const visitor = await visit({ hasMotion: true, speed: 100, allow: 60 })
    await visitor.press(/^Two questions at once/)
    await visitor.run(2).streams()
    await watchShifts(visitor.page)
    await isOver(visitor)
    const { total, moved } = await shiftsOf(visitor.page)
    console.log(`layout shift, a scene: ${total.toFixed(4)}`, moved)
    expect(total).toBeLessThanOrEqual(0.02)
  })

  const looks = [
    ['light', { width: 768, height: 1024 }],
    ['dark', { width: 390, height: 780 }],
    ['light', { width: 360, height: 740 }],
  ] as const

  test.each(looks)('passes Axe and fits (%s, %o)', async (colorScheme, viewport) => {
    const visitor = await visit({ hasMotion: true, colorScheme, viewport, allow: 60 })
    expect(await violationsOf(visitor.page)).toEqual([])
    expect(await overflowOf(visitor.page)).toEqual([])
    await visitor.press(/^Two questions at once/)
    await isOver(visitor)
    expect(await violationsOf(visitor.page)).toEqual([])
    expect(await overflowOf(visitor.page)).toEqual([])
  })
})
