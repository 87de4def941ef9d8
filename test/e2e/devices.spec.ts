import { expect, test } from 'vitest'
import type { FrameLocator } from 'playwright'
import { violationsOf } from './axe'
import { useVisits, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'

const { visit } = useVisits()

/** Opens a conversation on the page with two devices. */
async function openBoth(visitor: Visitor): Promise<{ laptop: FrameLocator; phone: FrameLocator }> {
  await visitor.page.getByRole('link', { name: 'Two devices' }).click()
  const frame = (name: string) => visitor.page.frameLocator(`iframe[title="The conversation on ${name}"]`)
  const both = { laptop: frame('Laptop'), phone: frame('Phone') }
  for (const device of Object.values(both)) await device.locator('[data-connection="connected"]').waitFor()
  return both
}

const ask = async (device: FrameLocator, text: string) => {
  await device.getByLabel('Message').fill(text)
  await device.getByLabel('Message').press('Enter')
}
const card = (device: FrameLocator, status: string) => device.locator(`article[data-status="${status}"]`)

test('a Stop on the phone reaches the laptop, which shows its milliseconds and its sender', async () => {
  const visitor = await visit({ hasMotion: true, viewport: { width: 1280, height: 800 }, allow: 40 })
  const { laptop, phone } = await openBoth(visitor)
  await ask(laptop, lisbon)
  await card(phone, 'streaming').waitFor()
  await phone.getByText('You on Laptop', { exact: true }).waitFor()
  expect(await laptop.getByText('You on Laptop', { exact: true }).count()).toBe(0)
  await visitor.cause('late')
  await phone.getByRole('button', { name: /^Stop run/ }).click()
  await card(laptop, 'cancelling').getByText('Stop requested by you on Phone').waitFor()
  await visitor.cause('late', 0)
  await card(laptop, 'cancelled').waitFor()
  expect(await card(laptop, 'cancelled').innerText()).toMatch(/Stopped by you on Phone/)
  const status = visitor.page.locator('header [role=status]')
  await expect
    .poll(() => status.innerText())
    .toMatch(/Stop, Phone to Laptop:\s*arrived after \d+ ms, answer stopped after \d+ ms/)
  expect(await visitor.page.locator('.panes > .dot.phone').count()).toBe(1)
  expect(await violationsOf(visitor.page)).toEqual([])
})

test('each device has its own network', async () => {
  const visitor = await visit({ viewport: { width: 1280, height: 800 }, allow: 40 })
  const { laptop, phone } = await openBoth(visitor)
  await ask(laptop, lisbon)
  await card(phone, 'streaming').waitFor()
  const network = visitor.page.getByRole('switch', { name: 'Network of Phone' })
  await network.uncheck()
  await phone.locator('[data-connection="reconnecting"]').waitFor()
  await phone.getByText('Offline', { exact: true }).first().waitFor()
  expect(await laptop.locator('[data-connection="connected"]').count()).toBe(1)
  await visitor.allow('all')
  await network.check()
  await phone.locator('[data-connection="connected"]').waitFor()
  await Promise.all([card(laptop, 'complete').waitFor(), card(phone, 'complete').waitFor()])
  const text = (device: FrameLocator) => device.locator('.prose').innerText()
  expect((await text(phone)).replace(/\s+/g, ' ')).toBe((await text(laptop)).replace(/\s+/g, ' '))
})
