import type { Locator } from 'playwright'
import { expect, test } from 'vitest'
import { useVisits, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'

const { visit } = useVisits()

/** Menus and drawers: how to open each with the keyboard. */
const popovers: [name: string, press: string[], panel: (visitor: Visitor) => Locator][] = [
  ['the settings', ['Settings'], ({ page }) => page.getByRole('group', { name: 'Settings' })],
  ['the ways to send', ['More ways to send'], ({ page }) => page.getByRole('group', { name: 'Ways to send' })],
  ['the link for a phone', ['Open on a phone'], ({ page }) => page.getByRole('group', { name: 'Open on a phone' })],
  [
    'the failures',
    ['Settings', 'Simulate failures'],
    ({ page }) => page.getByRole('dialog', { name: 'Simulate failures' }),
  ],
  ['the event log', ['Settings', 'Event log'], ({ page }) => page.getByRole('complementary', { name: 'Event log' })],
]

/** Lists of choices: what stays open around them. */
const lists: [name: string, press: string[], around: ((visitor: Visitor) => Locator)[]][] = [
  ['Speed of the next answer', [], []],
  ['While an answer is streaming, Enter', popovers[1]![1], [popovers[1]![2]]],
  ['Events of', popovers[4]![1], [popovers[4]![2]]],
]

/** A run that streams, and a button pressed with Enter for each name. */
async function begin(names: readonly string[]) {
  const visitor = await visit({ allow: 40 })
  const run = await visitor.ask(lisbon)
  await run.streams()
  for (const name of names) await visitor.page.getByRole('button', { name, exact: true }).press('Enter')
  return { visitor, run, page: visitor.page }
}

test.each(popovers)('Escape closes %s, and stops no run', async (_, names, panel) => {
  const { visitor, run, page } = await begin(names)
  await panel(visitor).waitFor()
  await page.keyboard.press('Escape')
  await panel(visitor).waitFor({ state: 'hidden' })
  await visitor.allow('all')
  await run.reaches('complete')
})

test.each(lists)(
  'Escape closes the open list "%s" and nothing around it, and stops no run',
  async (name, names, around) => {
    const { visitor, run, page } = await begin(names)
    const list = page.getByLabel(name)
    const isOpen = () => list.evaluate((select) => select.matches(':open'))
    await list.press(' ')
    await expect.poll(isOpen).toBe(true)
    await page.keyboard.press('Escape')
    await expect.poll(isOpen).toBe(false)
    await page.locator('select:focus').waitFor()
    for (const panel of around) {
      await panel(visitor).waitFor({ state: 'visible' })
      await page.keyboard.press('Escape')
      await panel(visitor).waitFor({ state: 'hidden' })
    }
    await visitor.allow('all')
    await run.reaches('complete')
  },
)

test.each(lists)('without `:open`, Escape in the list "%s" stops no run', async (name, names) => {
  const visitor = await visit({ allow: 40 })
  await visitor.page.addInitScript(() => {
    const supports = CSS.supports.bind(CSS)
    CSS.supports = (condition: string) => !condition.includes(':open') && supports(condition)
  })
  await visitor.page.reload()
  const run = await visitor.ask(lisbon)
  await run.streams()
  for (const button of names) await visitor.page.getByRole('button', { name: button, exact: true }).press('Enter')
  const list = visitor.page.getByLabel(name)
  await list.press(' ')
  await visitor.page.keyboard.press('Escape')
  await visitor.allow('all')
  await run.reaches('complete')
})

test('Escape in a closed list stops the run', async () => {
  const { run, page } = await begin([])
  await page.getByLabel('Speed of the next answer').press('Escape')
  await run.reaches('cancelled')
})

test('Escape in the comparison of versions closes it, and stops no run', async () => {
  const { visitor, run, page } = await begin([])
  await run.stop()
  await run.reaches('cancelled')
  await page.getByRole('button', { name: /^Regenerate run/ }).click()
  await run.streams()
  await page.getByRole('button', { name: /compare the versions/ }).press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  await visitor.allow('all')
  await run.reaches('complete')
})
