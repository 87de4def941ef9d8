import { expect, test } from 'vitest'
import { useVisits } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'

const { visit, newSession } = useVisits()

test('an answer on a device with a wrong clock shows its true time', async () => {
  const session = newSession()
  const visitor = await visit({ session, allow: 40 })
  const other = await visit({ session })
  await other.page.addInitScript(() => {
    const now = Date.now
    Date.now = () => now() + 3_600_000
  })
  await other.page.reload()
  await (await visitor.ask(lisbon)).streams()
  await other.run(1).streams()
  await expect.poll(() => other.run(1).card.locator('.elapsed').innerText()).toMatch(/^0:\d\d$/)
})

test("an answer's timer runs only while it is live: not offline, and not once it has ended", async () => {
  const visitor = await visit({ speed: 30, allow: 250 })
  const run = await visitor.ask(lisbon)
  await run.streams()
  await expect.poll(() => run.card.locator('.meter').innerText()).toMatch(/tok\/s\s+0:\d\d/)
  await visitor.press('Settings')
  await visitor.press(/Cut my connection/)
  await visitor.page.keyboard.press('Escape')
  await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
  await run.card.getByText('Offline', { exact: true }).waitFor()
  expect(await run.card.locator('.meter').count()).toBe(0)
  // NOTE: offline the page cannot know whether the answer continues, so it does not show that
  const banner = visitor.page.locator('[data-outage="away"] p')
  await banner.waitFor()
  expect(await banner.innerText()).toBe('Connection lost. Reconnecting.')
  await visitor.allow('all')
  await visitor.cause('network', 0)
  await visitor.page.locator('[data-connection="connected"]').waitFor()
  await run.reaches('complete')
  expect(await run.card.locator('.meter').count()).toBe(0)
  expect(await run.card.innerText()).toMatch(/\d+ tokens in 0:\d\d/)
})

test('an answer whose agent is gone does not look live', async () => {
  const visitor = await visit({ speed: 30 })
  const run = await visitor.ask(lisbon)
  await run.streams()
  const cause = (kind: string) =>
    visitor.page.evaluate(
      (kind) => fetch(`/api/faults/${kind}`, { method: 'POST', body: JSON.stringify({ clientId: '', seconds: 1 }) }),
      kind,
    )
  await cause('kill')
  await expect.poll(() => run.card.locator('.meter').innerText()).toMatch(/^No text for 1\d s$/)
  await cause('restart')
})
