import type { Page } from 'playwright'
import { expect, onTestFinished, test } from 'vitest'
import { startPlayground } from '../../scripts/playground'
import { newPage } from '../support/browser'
import { RunOnPage } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'

test('SIGTERM: no new prompt is answered, an answer that ends in time is complete, the rest is stopped with its text', async () => {
  const playground = await startPlayground({ env: { GRACE: '600' } })
  onTestFinished(() => playground.stop('SIGKILL'))
  const allow = (gate: string, allowance: unknown) =>
    fetch(`${playground.url}/api/gates/${gate}`, { method: 'POST', body: JSON.stringify(allowance) })
  const visit = async (gate: string): Promise<Page> => {
    await allow(gate, 40)
    const page = await newPage()
    await page.goto(`${playground.url}/s/deploy?speed=2000&gate=${gate}`)
    await page.locator('[data-connection="connected"]').waitFor()
    return page
  }
  const ask = async (page: Page, text: string, number: number): Promise<RunOnPage> => {
    await page.getByLabel('Message').fill(text)
    await page.getByLabel('Message').press('Enter')
    return new RunOnPage(page.locator('article').nth(number))
  }
  const alice = await visit('quick')
  const bob = await visit('slow')
  const quick = await ask(alice, 'How does Stop work?', 0)
  await quick.streams()
  const slow = await ask(bob, lisbon, 1)
  await slow.streams()

  const stopped = playground.stop()
  // The server refuses wakes from then on, and the answers that run have their time
  await expect.poll(async () => (await fetch(`${playground.url}/api/agent`, { method: 'POST' })).status).toBe(502)
  const late = await ask(alice, 'hello', 2)
  await allow('quick', 'all')
  await quick.reaches('complete')
  expect(await slow.status()).not.toBe('cancelled')
  await fetch(`${playground.url}/api/faults/deadline`, { method: 'POST', body: '{}' })
  await slow.reaches('cancelled')
  expect((await slow.text()).length).toBeGreaterThan(0)
  expect(await late.status()).not.toBe('complete')
  await stopped
})
