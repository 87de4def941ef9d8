import { describe, expect, test } from 'vitest'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'

const { visit, newSession } = useVisits()

/** The failures that the page shows as active. */
const shown = (visitor: Visitor) => visitor.page.getByRole('list', { name: 'Active failures' }).getByRole('listitem')

/** Starts a failure in the drawer, and closes the drawer. */
async function start(visitor: Visitor, title: string): Promise<void> {
  await visitor.prolongFaults()
  await visitor.press('Settings')
  await visitor.press('Simulate failures')
  await visitor.page.getByRole('dialog', { name: 'Simulate failures' }).getByRole('button', { name: title }).click()
  await visitor.page.getByText(`${title}: `).first().waitFor()
  await visitor.page.keyboard.press('Escape')
}

describe('an active failure', () => {
  test('of the agent is shown with a countdown on every device, and ends on any of them', async () => {
    const session = newSession()
    const visitor = await visit({ session })
    const other = await visit({ session, viewport: { width: 360, height: 740 }, hasTouch: true })
    await start(visitor, 'Delay every Stop')
    for (const each of [visitor, other]) {
      await shown(each)
        .filter({ hasText: /Every Stop delayed\s*ends in \d+ s/ })
        .waitFor()
      expect(await violationsOf(each.page)).toEqual([])
      expect(await overflowOf(each.page)).toEqual([])
    }
    await other.press('End: Every Stop delayed')
    for (const each of [visitor, other]) await expect.poll(() => shown(each).count()).toBe(0)
  })

  test('of one client names that client on other devices, and its countdown ends it', async () => {
    const session = newSession()
    const visitor = await visit({ session })
    const other = await visit({ session })
    await start(visitor, 'Drop the network')
    await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
    await shown(visitor).getByText('Network dropped', { exact: true }).waitFor()
    await shown(other)
      .getByText(/^Network dropped \(.+\)$/)
      .waitFor()
    await visitor.page.unrouteAll()
    await visitor.cause('network', 1)
    await visitor.page.locator('[data-connection="connected"]').waitFor()
    for (const each of [visitor, other]) await expect.poll(() => shown(each).count()).toBe(0)
  })

  test('stays on a page that is loaded later, and a killed agent can be restarted there', async () => {
    const visitor = await visit()
    await start(visitor, 'Kill the agent')
    await shown(visitor).getByText('Agent killed').waitFor()
    await visitor.page.reload()
    await shown(visitor).getByText('Agent killed').waitFor()
    await visitor.press('Restart')
    await expect.poll(() => shown(visitor).count()).toBe(0)
    const run = await visitor.ask(lisbon)
    await run.reaches('complete')
  })
})

test.each(['Receive everything twice', 'Receive in the wrong order'])(
  '%s: the conversation stays the same',
  async (title) => {
    const session = newSession()
    const visitor = await visit({ session, allow: 40 })
    const other = await visit({ session })
    await start(visitor, title)
    const run = await visitor.ask(lisbon)
    await run.streams()
    await visitor.allow('all')
    await other.run(1).reaches('complete')
    await visitor.press(/^End: /)
    await run.reaches('complete')
    await run.reads(wordsFor(lisbon))
    expect(await visitor.cards.count()).toBe(1)
  },
)
