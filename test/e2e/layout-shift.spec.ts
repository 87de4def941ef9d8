import { expect, test } from 'vitest'
import { answering, reloadAndWatchShifts, shiftsOf } from './shifts'
import { stopLate } from './stop-late'
import { useVisits } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit } = useVisits()

test.each([
  { width: 1280, height: 800, colorScheme: 'light' },
  { width: 768, height: 1000, colorScheme: 'dark' },
  { width: 390, height: 800, colorScheme: 'light' },
  { width: 360, height: 740, colorScheme: 'dark' },
] as const)(
  'no step of a visit shifts the page by more than 0.02 ($width px)',
  async ({ colorScheme, ...viewport }) => {
    const visitor = await visit({ hasMotion: true, viewport, colorScheme, allow: 60 })
    const { page } = visitor
    const other = await visit({ hasMotion: true, session: visitor.session })
    const shifts = new Map<string, number>()
    let before = 0
    const check = async (step: string) => {
      const { total, moved } = await shiftsOf(page)
      const shift = total - before
      console.log(`layout shift, ${step} (${viewport.width} px): ${shift.toFixed(4)}`, shift > 0.001 ? moved : '')
      shifts.set(step, shift)
      before = total
    }
    // NOTE: two lines in the box make it higher until they are sent
    const ask = (text: string) => answering(page, () => visitor.ask(text))
    const reload = async () => {
      before = 0
      await reloadAndWatchShifts(page)
      await page.locator('[data-connection="connected"]').waitFor()
    }

    await reload()
    await check('load')
    const [first, second] = [await ask(lisbon), await ask(porto)]
    await Promise.all([first.streams(20), second.streams(20)])
    await check('two prompts')
    await answering(page, () => stopLate(visitor, first, other.run(1), 80))
    await first.card.getByText('arrived after Stop').waitFor()
    await check('Stop')
    await reload()
    await second.streams(20)
    await first.card.getByText('arrived after Stop').waitFor()
    await check('reload')
    await visitor.cause('network')
    await page.getByText('Connection lost.', { exact: true }).waitFor()
    await check('offline')
    // NOTE: the page shows it for a few seconds only
    const caughtUp = page
      .getByText(/Caught up|up to date/)
      .first()
      .waitFor()
    await visitor.cause('network', 0)
    await page.locator('[data-connection="connected"]').waitFor()
    await caughtUp
    await check('online')
    await answering(page, async () => {
      await visitor.message.fill('hello')
      await visitor.press('More ways to send')
      await page.getByRole('group', { name: 'Ways to send' }).getByRole('button', { name: 'Queue' }).click()
      await page.getByRole('region', { name: 'Queue' }).waitFor()
    })
    await check('Queue')
    await reload()
    await page.getByRole('region', { name: 'Queue' }).waitFor()
    await second.streams(20)
    await check('reload with a queue')
    await visitor.allow('all')
    const [third, table] = [visitor.run(3), visitor.run(4)]
    await third.reaches('complete')
    await check('the queue goes on')
    const again = third.card.getByRole('button', { name: /^Regenerate run/ })
    await answering(page, async () => {
      await again.click()
      await third.card.getByText('2/2').waitFor()
    })
    await third.reaches('complete')
    await check('Regenerate')
    await ask('Book a table for two on Friday')
    await table.reaches('suspended')
    await check('an approval is asked for')
    await reload()
    const approve = page.getByRole('button', { name: 'Approve Book table' })
    await approve.waitFor()
    await check('reload with an approval')
    await answering(page, () => approve.click())
    await table.reaches('complete')
    await check('Approve')
    expect([...shifts].filter(([, shift]) => shift > 0.02)).toEqual([])
  },
)
