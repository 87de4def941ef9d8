import { expect, test } from 'vitest'
import { useVisits, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit, newSession } = useVisits()

/** The browser's own console message for a refused request. */
const refusals = /Failed to load resource: the server responded with a status of (429|500|502)/
const hint = "The agent isn't responding. The partial answer is kept. Stop ends the run."

const nowOn = ({ page }: Visitor): Promise<number> => page.evaluate(() => Date.now())

test.for(['desktop', 'phone'] as const)(
  'S31 a run whose agent is killed is stalled within 25 seconds on its card and in the dock, which say what Stop does, %s',
  async (size) => {
    const session = newSession()
    const phone = { viewport: { width: 390, height: 780 }, hasTouch: true }
    const visitor = await visit({ session, hasOwnClock: true, allow: 40, expected: refusals, ...(size === 'phone' && phone) }) // prettier-ignore
    const other = await visit({ session, expected: refusals })
    const runs = [await visitor.ask(lisbon), await visitor.ask(porto)]
    await Promise.all(runs.map((run) => run.streams()))
    await visitor.cause('kill')
    // By then the page has heard that the agent is gone
    await other.ask('Hello')
    await visitor.run(3).card.waitFor()
    // NOTE: the page's clock stands still from here on, so no machine is too slow for this
    await visitor.stopClock()
    const start = await nowOn(visitor)
    while ((await nowOn(visitor)) < start + 24_500) await visitor.page.clock.runFor(500)
    for (const run of runs) {
      await run.reaches('stalled')
      expect(await run.card.innerText()).toContain(hint)
    }
    const chips = visitor.page.locator('.dock li.stalled')
    expect(await chips.count()).toBe(2)
    for (const chip of await chips.all()) {
      expect(await chip.locator('.jump').getAttribute('title')).toBe(hint)
      expect(await chip.locator('.jump').textContent()).toContain(hint)
    }
    expect((await nowOn(visitor)) - start).toBeLessThanOrEqual(25_000)

    await visitor.page.clock.resume()
    await visitor.cause('restart')
    for (const run of runs) await run.stop()
    for (const run of runs) await run.reaches('cancelled')
    await visitor.page.reload()
    for (const run of runs) await run.reaches('cancelled')
    await other.run(1).reaches('cancelled')
  },
)
