import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { useVisits, wordsFor, type RunOnPage } from './visit'

const { visit } = useVisits({ hidesTabs: true })

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

/** Hides a page in a way that a user would, and waits until the browser says so; returns a function that shows it again. */
type Hide = (page: Page) => Promise<() => Promise<void>>

const behindAnotherTab: Hide = async (page) => {
  const other = await page.context().newPage()
  await other.bringToFront()
  await page.waitForFunction(isHidden, undefined, { polling: 50 })
  return async () => {
    await page.bringToFront()
    await other.close()
    await page.waitForFunction(isVisible, undefined, { polling: 50 })
  }
}

const inAMinimisedWindow: Hide = async (page) => {
  const browser = await page.context().newCDPSession(page)
  const { windowId } = await browser.send('Browser.getWindowForTarget')
  const set = (windowState: 'minimized' | 'normal') =>
    browser.send('Browser.setWindowBounds', { windowId, bounds: { windowState } })
  await set('minimized')
  await page.waitForFunction(isHidden, undefined, { polling: 50 })
  return async () => {
    await set('normal')
    await page.waitForFunction(isVisible, undefined, { polling: 50 })
  }
}

const isHidden = () => document.visibilityState === 'hidden'
const isVisible = () => document.visibilityState === 'visible'

/** Presses a button of a page that cannot be seen, as a shortcut or an extension does. */
const press = (run: RunOnPage) => run.stopButton.evaluate((button: HTMLElement) => button.click())

describe.each([
  ['behind another tab', behindAnotherTab],
  ['in a minimised window', inAMinimisedWindow],
])('a page that is hidden %s', (_, hide) => {
  test('shows an answer that streams and ends meanwhile whole, and goes on when it is visible again', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    await first.streams()
    const show = await hide(visitor.page)
    await visitor.allow('all')
    await first.reaches('complete')
    await first.reads(wordsFor(lisbon))
    expect(await visitor.page.evaluate(isHidden)).toBe(true)
    await show()
    await first.reads(wordsFor(lisbon))
    expect(await first.status()).toBe('complete')
    expect(await visitor.page.locator('[data-connection]').getAttribute('data-connection')).toBe('connected')
    const second = await visitor.ask(porto)
    await second.reaches('complete')
    await second.reads(wordsFor(porto))
  })

  test('is visible again in the middle of an answer, which ends complete', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    await first.streams()
    const show = await hide(visitor.page)
    await visitor.allow(120)
    await first.streams(60)
    await show()
    expect(await first.status()).toBe('streaming')
    await visitor.allow('all')
    await first.reaches('complete')
    await first.reads(wordsFor(lisbon))
  })

  test('stops an answer', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    await first.streams()
    const show = await hide(visitor.page)
    await press(first)
    await first.reaches('cancelled')
    expect(await visitor.page.evaluate(isHidden)).toBe(true)
    const words = await first.text()
    expect(wordsFor(lisbon).startsWith(words)).toBe(true)
    await show()
    await first.reads(words)
    expect(await first.status()).toBe('cancelled')
    await visitor.allow('all')
    const second = await visitor.ask(porto)
    await second.reaches('complete')
  })
})
