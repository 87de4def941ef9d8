import { describe, expect, test } from 'vitest'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const sintra = 'Is Sintra worth a day?'
const stops = 'How does Stop work?'

const { visit, newSession } = useVisits()

const tray = (visitor: Visitor) => visitor.page.getByRole('region', { name: 'Queue' })
const queued = (visitor: Visitor) => tray(visitor).locator('li .text').allInnerTexts()

/** Starts an answer that waits at its gate, and queues texts behind it. */
async function queueBehind(visitor: Visitor, ...texts: readonly string[]) {
  const run = await visitor.ask(lisbon)
  await run.streams()
  await visitor.press('More ways to send')
  await visitor.page.getByLabel('While an answer is streaming, Enter').selectOption('queues')
  await visitor.page.keyboard.press('Escape')
  for (const text of texts) {
    await visitor.message.fill(text)
    await visitor.message.press('Enter')
  }
  await expect.poll(() => queued(visitor)).toEqual([...texts])
  return run
}

describe('the queue', () => {
  test('sends its messages in their order, each after the answer before it', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await queueBehind(visitor, porto, stops)
    expect(await visitor.message.inputValue()).toBe('')
    expect(await visitor.cards.count()).toBe(1)
    await visitor.allow('all')
    await visitor.run(3).reaches('complete')
    await run.reads(wordsFor(lisbon))
    await visitor.run(2).reads(wordsFor(porto))
    await visitor.run(3).reads(wordsFor(stops))
    expect(await tray(visitor).count()).toBe(0)
  })

  test('is edited, reordered and emptied with the keyboard alone', async () => {
    const visitor = await visit({ allow: 40 })
    await queueBehind(visitor, porto, sintra, stops)
    const button = (name: string) => tray(visitor).getByRole('button', { name, exact: true })
    const { keyboard } = visitor.page
    await button(`Move queued 3, “${stops}” up`).focus()
    await keyboard.press('Enter')
    await expect.poll(() => queued(visitor)).toEqual([porto, stops, sintra])
    await keyboard.press('Enter')
    await expect.poll(() => queued(visitor)).toEqual([stops, porto, sintra])
    await button(`Edit queued 2, “${porto}”`).focus()
    await keyboard.press('Enter')
    await keyboard.press('Control+A')
    await keyboard.type('hello')
    await keyboard.press('Enter')
    await expect.poll(() => queued(visitor)).toEqual([stops, 'hello', sintra])
    const focused = () => visitor.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    await expect.poll(focused).toBe('Edit queued 2, “hello”')
    await button(`Remove queued 3, “${sintra}”`).focus()
    await keyboard.press('Enter')
    await expect.poll(() => queued(visitor)).toEqual([stops, 'hello'])
    await visitor.allow('all')
    await visitor.run(3).reaches('complete')
    await visitor.run(2).reads(wordsFor(stops))
    await visitor.run(3).reads(wordsFor('hello'))
  })

  test('sends a message now, beside the active run', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await queueBehind(visitor, porto, stops)
    await visitor.press(`Send queued 2, “${stops}” now`)
    await visitor.run(2).streams()
    expect(await run.status()).toBe('streaming')
    expect(await queued(visitor)).toEqual([porto])
  })

  test('takes ten messages, and says so when it is full', async () => {
    const visitor = await visit({ allow: 40 })
    const ten = Array.from({ length: 10 }, (_, index) => `question ${index + 1}`)
    await queueBehind(visitor, ...ten)
    await tray(visitor).getByText('10 of 10, full').waitFor()
    await visitor.message.fill('one more')
    await visitor.message.press('Enter')
    await visitor.page.getByRole('alert').getByText('The queue is full (10).').waitFor()
    expect(await visitor.message.inputValue()).toBe('one more')
  })

  test('pauses after a Stop with the reason, and goes on when it is told to', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await queueBehind(visitor, porto, stops)
    await run.stop()
    await run.reaches('cancelled')
    await tray(visitor).getByText(`Run “${lisbon}” was stopped, so the queue is paused.`).waitFor()
    await visitor.allow('all')
    expect(await visitor.cards.count()).toBe(1)
    await visitor.press('Send queued (2)')
    await visitor.run(3).reaches('complete')
    await visitor.run(2).reads(wordsFor(porto))
  })

  test('pauses after an error', async () => {
    const visitor = await visit({ allow: 5 })
    const run = await visitor.ask('Tell me how you fail')
    await run.reaches('streaming')
    await visitor.message.fill(porto)
    await visitor.press('More ways to send')
    await visitor.press(/^Queue/)
    await visitor.allow('all')
    await run.reaches('error')
    await tray(visitor).getByText('Run “Tell me how you fail” failed, so the queue is paused.').waitFor()
    await visitor.press('Remove queued 1')
    await expect.poll(() => tray(visitor).count()).toBe(0)
  })
})

describe('the queue stays', () => {
  test('over a reload, with its order, and goes on', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await queueBehind(visitor, porto, stops)
    await visitor.page.reload()
    await run.streams()
    await expect.poll(() => queued(visitor)).toEqual([porto, stops])
    await visitor.allow('all')
    await visitor.run(3).reaches('complete')
    await visitor.run(2).reads(wordsFor(porto))
    await visitor.run(3).reads(wordsFor(stops))
  })

  test('while the connection is lost, and goes on after it', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await queueBehind(visitor, porto)
    await visitor.prolongFaults()
    await visitor.press('Settings')
    await visitor.press(/Cut my connection/)
    await visitor.page.keyboard.press('Escape')
    await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
    await visitor.message.fill(stops)
    await visitor.message.press('Enter')
    await expect.poll(() => queued(visitor)).toEqual([porto, stops])
    await visitor.allow('all')
    await visitor.cause('network', 0)
    await visitor.page.locator('[data-connection="connected"]').waitFor()
    await visitor.run(3).reaches('complete')
    await run.reads(wordsFor(lisbon))
    await visitor.run(2).reads(wordsFor(porto))
    await visitor.run(3).reads(wordsFor(stops))
  })

  test('in step in two tabs, which send each message once', async () => {
    const visitor = await visit({ allow: 40 })
    await queueBehind(visitor, porto, stops)
    const tab = await visitor.page.context().newPage()
    await tab.goto(visitor.page.url())
    const inTab = tab.getByRole('region', { name: 'Queue' }).locator('li .text')
    await expect.poll(() => inTab.allInnerTexts()).toEqual([porto, stops])
    await visitor.press(`Move queued 2, “${stops}” up`)
    await expect.poll(() => inTab.allInnerTexts()).toEqual([stops, porto])
    await visitor.allow('all')
    await visitor.run(3).reaches('complete')
    await visitor.run(2).reads(wordsFor(stops))
    await visitor.run(3).reads(wordsFor(porto))
    await expect.poll(() => inTab.count()).toBe(0)
    for (const page of [visitor.page, tab]) await expect.poll(() => page.locator('article').count()).toBe(3)
  })

  test('on its device: another device has a queue of its own', async () => {
    const session = newSession()
    const visitor = await visit({ session, allow: 40 })
    const other = await visit({ session })
    await queueBehind(visitor, porto)
    await other.run(1).streams()
    expect(await tray(other).count()).toBe(0)
  })
})

test.each(['light', 'dark'] as const)('Axe finds nothing in the queue, and it fits on a phone (%s)', async (scheme) => {
  const visitor = await visit({ viewport: { width: 360, height: 740 }, hasTouch: true, colorScheme: scheme, allow: 40 })
  const run = await queueBehind(visitor, porto, stops)
  expect(await overflowOf(visitor.page)).toEqual([])
  expect(await violationsOf(visitor.page)).toEqual([])
  const rows = await tray(visitor)
    .getByRole('listitem')
    .evaluateAll((all) => all.map((row) => row.getBoundingClientRect().height))
  // NOTE: one line of text and its buttons
  expect(Math.max(...rows)).toBeLessThan(50)
  await visitor.press('More for queued 1')
  expect(await overflowOf(visitor.page)).toEqual([])
  expect(await violationsOf(visitor.page)).toEqual([])
  await visitor.press('Edit queued 1')
  await run.stop()
  await run.reaches('cancelled')
  await tray(visitor)
    .getByText(/so the queue is paused/)
    .waitFor()
  expect(await overflowOf(visitor.page)).toEqual([])
  expect(await violationsOf(visitor.page)).toEqual([])
})
