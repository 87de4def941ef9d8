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
  await expect.poll(() => other.run(1).card.locator('.elapsed').innerText()).toMatch(/^[0-5]:\d\d$/)
})

test("an answer's timer runs only while it is live: not offline, and not once it has ended", async () => {
  const visitor = await visit({ allow: 40 })
  await visitor.prolongFaults()
  const run = await visitor.ask(lisbon)
  await run.streams()
  let tokens = 40
  const meter = async () => {
    await visitor.allow(tokens++)
    return run.card.locator('.meter').innerText()
  }
  await expect.poll(meter).toMatch(/tok\/s\s+\d:\d\d/)
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
  expect(await run.card.innerText()).toMatch(/\d+ tokens in \d:\d\d/)
})

test('an answer whose agent is gone does not look live', async () => {
  const visitor = await visit({ allow: 40, hasOwnClock: true })
  const run = await visitor.ask(lisbon)
  await run.streams()
  await visitor.stopClock()
  const cause = (kind: string) =>
    visitor.page.evaluate(
      (kind) => fetch(`/api/faults/${kind}`, { method: 'POST', body: JSON.stringify({ clientId: '', seconds: 1 }) }),
      kind,
    )
  await cause('kill')
  const meter = async () => {
    await visitor.page.clock.runFor(500)
    return run.card.locator('.meter').innerText()
  }
  await expect.poll(meter).toMatch(/^No text for 1\d s$/)
  await cause('restart')
})
