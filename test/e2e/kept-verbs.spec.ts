import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit } = useVisits()

const effects = { alongside: 'sends alongside', interrupt: 'stops it, then sends', steer: 'adds to it' } as const
type Verb = keyof typeof effects
const verbs = Object.keys(effects) as Verb[]

/** An answer that waits at its gate, and a verb for the next message. */
async function answerBefore(verb: Verb) {
  const visitor = await visit({ allow: 40 })
  const run = await visitor.ask(lisbon)
  await run.streams()
  await visitor.press('More ways to send')
  await visitor.page.getByLabel('While an answer is streaming, Enter').selectOption(effects[verb])
  await visitor.page.keyboard.press('Escape')
  return visitor
}

async function send(visitor: Visitor): Promise<void> {
  await visitor.message.fill(porto)
  await visitor.message.press('Enter')
  await expect.poll(() => visitor.message.inputValue()).toBe('')
}

const isShown = (page: Page) => page.locator('main').getByText(porto).first().waitFor()

/** What each verb leaves: the statuses of the cards, and the steers with the message. */
const results = {
  alongside: { statuses: ['complete', 'complete'], steers: 0 },
  interrupt: { statuses: ['cancelled', 'complete'], steers: 0 },
  steer: { statuses: ['complete'], steers: 1 },
} as const

const statusesOn = (page: Page) =>
  page.locator('article').evaluateAll((cards) => cards.map((card) => card.getAttribute('data-status')))

/** Lets all answers end. */
async function resultOf(verb: Verb, visitor: Visitor) {
  if (verb === 'interrupt') await visitor.run(1).reaches('cancelled')
  await visitor.allow('all')
  const { statuses } = results[verb]
  for (const [index, status] of statuses.entries()) await visitor.run(index + 1).reaches(status)
  if (statuses.length === 2) await visitor.run(2).reads(wordsFor(porto))
  if (verb === 'alongside') await visitor.run(1).reads(wordsFor(lisbon))
  return {
    statuses: await statusesOn(visitor.page),
    steers: await visitor.page.locator('[data-steer]').getByText(porto).count(),
  }
}

describe.each(verbs)('%s happens once', (verb) => {
  test('over a reload', async () => {
    const visitor = await answerBefore(verb)
    await send(visitor)
    await isShown(visitor.page)
    if (verb === 'interrupt') await visitor.run(1).reaches('cancelled')
    else if (verb === 'alongside') await visitor.run(2).streams()
    // NOTE: a page that is left at once takes a message with it that is not on the channel yet
    else await isShown((await visit({ session: visitor.session })).page)
    await visitor.page.reload()
    await visitor.page.locator('[data-connection="connected"]').waitFor()
    expect(await resultOf(verb, visitor)).toEqual(results[verb])
  })

  test('after a drop in which it was asked for', async () => {
    const visitor = await answerBefore(verb)
    await visitor.cause('network')
    await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
    await send(visitor)
    expect(await visitor.run(1).status()).not.toBe('cancelled')
    await visitor.cause('network', 0)
    await visitor.page.locator('[data-connection="connected"]').waitFor()
    await isShown(visitor.page)
    if (verb === 'alongside') await visitor.run(2).streams()
    expect(await resultOf(verb, visitor)).toEqual(results[verb])
  })

  test('in two tabs, which show the same', async () => {
    const visitor = await answerBefore(verb)
    const tab = await visitor.page.context().newPage()
    await tab.goto(visitor.page.url())
    await tab.locator('article').first().waitFor()
    await send(visitor)
    await isShown(tab)
    if (verb === 'alongside') await visitor.run(2).streams()
    expect(await resultOf(verb, visitor)).toEqual(results[verb])
    await expect.poll(() => statusesOn(tab)).toEqual(results[verb].statuses)
  })
})

test('a message that has to wait stays in the box over a reload and a drop, and is sent by no tab', async () => {
  const visitor = await visit({ allow: 40 })
  await (await visitor.ask(lisbon)).streams()
  await visitor.press('More ways to send')
  await visitor.page.getByLabel('While an answer is streaming, Enter').selectOption('waits for its end')
  await visitor.page.keyboard.press('Escape')
  await visitor.message.fill(porto)
  await visitor.message.press('Enter')
  await visitor.page.getByRole('alert').getByText('An answer is being written.').waitFor()
  await visitor.page.reload()
  await visitor.run(1).streams()
  await expect.poll(() => visitor.message.inputValue()).toBe(porto)
  const tab = await visitor.page.context().newPage()
  await tab.goto(visitor.page.url())
  await tab.locator('article').first().waitFor()
  await visitor.cause('network')
  await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
  await visitor.cause('network', 0)
  await visitor.page.locator('[data-connection="connected"]').waitFor()
  await visitor.allow('all')
  await visitor.run(1).reaches('complete')
  expect(await visitor.message.inputValue()).toBe(porto)
  expect(await visitor.cards.count()).toBe(1)
  await visitor.message.press('Enter')
  await visitor.run(2).reaches('complete')
  await expect.poll(() => tab.locator('article').count()).toBe(2)
})
