import { describe, expect, test } from 'vitest'
import type { UseComposerReturn } from 'vue-ai-transport'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const noFish = 'We do not eat fish'

const { visit, newSession } = useVisits()

/** Chooses the effect of Enter while an answer streams. */
async function choosePolicy(visitor: Visitor, words: string): Promise<void> {
  await visitor.press('More ways to send')
  await visitor.page.getByLabel('While an answer is streaming, Enter').selectOption(words)
  await visitor.page.keyboard.press('Escape')
}
const sendButton = (visitor: Visitor) => visitor.page.locator('.composer [type=submit]')

describe('the button to send', () => {
  const effects = [
    ['sends alongside', 'Send', /beside the active runs/],
    ['stops it, then sends', 'Stop and send', /^Stops run “Plan a weekend in Lisbon for two”, then sends/],
    ['adds to it', 'Add to answer', /^Adds the message to run “Plan a weekend in Lisbon for two”/],
    ['queues', 'Queue', /when the runs before it are complete/],
    ['waits for its end', 'Send', /when no answer is streaming/],
  ] as const

  test('says for each effect of Enter what will happen, and the choice is kept over a reload', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    for (const [effect, label, title] of effects) {
      await choosePolicy(visitor, effect)
      expect((await sendButton(visitor).innerText()).trim()).toBe(label)
      expect(await sendButton(visitor).getAttribute('title')).toMatch(title)
    }
    await choosePolicy(visitor, 'queues')
    await visitor.page.reload()
    await run.streams()
    await expect.poll(() => sendButton(visitor).innerText()).toMatch(/Queue/)
    await visitor.allow('all')
    await run.reaches('complete')
    await expect.poll(() => sendButton(visitor).innerText()).toMatch(/Send/)
  })

  test('counts the runs that it stops', async () => {
    const visitor = await visit({ allow: 40 })
    const [first, second] = [await visitor.ask(lisbon), await visitor.ask(porto)]
    await Promise.all([first.streams(), second.streams()])
    await visitor.message.fill('Forget both')
    await visitor.press('Stop 2 and send')
    await Promise.all([first.reaches('cancelled'), second.reaches('cancelled')])
    await visitor.run(3).streams()
    expect(await visitor.message.inputValue()).toBe('')
  })

  test('fits on a phone with each effect, and Axe finds nothing in its menu', async () => {
    const visitor = await visit({ viewport: { width: 360, height: 740 }, hasTouch: true, allow: 40 })
    await (await visitor.ask(lisbon)).streams()
    for (const [effect] of effects) {
      await choosePolicy(visitor, effect)
      expect(await overflowOf(visitor.page)).toEqual([])
    }
    await visitor.press('More ways to send')
    expect(await violationsOf(visitor.page)).toEqual([])
  })
})

describe('Enter while an answer streams', () => {
  test('stops it and sends, and with Control and Shift asks beside it', async () => {
    const visitor = await visit({ allow: 40 })
    await choosePolicy(visitor, 'stops it, then sends')
    const first = await visitor.ask(lisbon)
    await first.streams()
    const second = await visitor.ask(porto)
    await first.reaches('cancelled')
    await second.streams()
    await visitor.message.fill('hello')
    await visitor.page.keyboard.press('Control+Shift+Enter')
    await visitor.run(3).streams()
    expect(await second.status()).toBe('streaming')
  })

  test('adds the message to the answer', async () => {
    const visitor = await visit({ allow: 40 })
    await choosePolicy(visitor, 'adds to it')
    const run = await visitor.ask(lisbon)
    await run.streams()
    await visitor.message.fill(noFish)
    await visitor.message.press('Enter')
    await run.card.locator('[data-steer]').getByText(noFish).waitFor()
    expect(await visitor.cards.count()).toBe(1)
    expect(await visitor.message.inputValue()).toBe('')
  })

  test('keeps the message in the box, with the reason, when it has to wait', async () => {
    const visitor = await visit({ allow: 40 })
    await choosePolicy(visitor, 'waits for its end')
    const run = await visitor.ask(lisbon)
    await run.streams()
    await visitor.message.fill(porto)
    await visitor.message.press('Enter')
    await visitor.page.getByRole('alert').getByText('An answer is being written.').waitFor()
    expect(await visitor.message.inputValue()).toBe(porto)

    // A send can have a rule of its own, which sees the text and the active runs
    const decided = await visitor.page.evaluate(async () => {
      const { composer } = window as unknown as { composer: UseComposerReturn }
      const seen: unknown[] = []
      const { verb } = await composer.send({
        whenBusy(text, running) {
          seen.push(text, running.length)
          return running.length > 1 ? 'alongside' : 'reject'
        },
      })
      return { verb, seen: seen.slice(-2) }
    })
    expect(decided).toEqual({ verb: 'reject', seen: [porto, 1] })
    expect(await visitor.message.inputValue()).toBe(porto)
    await visitor.allow('all')
    await run.reaches('complete')
    await visitor.message.press('Enter')
    await visitor.run(2).reaches('complete')
    await visitor.run(2).reads(wordsFor(porto))
  })
})

test('active runs with the same prompt have Stops of different names', async () => {
  const session = newSession()
  const visitor = await visit({ session, allow: 40 })
  const other = await visit({ session })
  const [first, second] = [await visitor.ask(lisbon), await visitor.ask(lisbon)]
  await Promise.all([first.streams(), second.streams(), other.run(2).streams()])
  const nameOf = (run: typeof first) => run.stopButton.getAttribute('aria-label')
  expect(await nameOf(first)).toBe(`Stop run “${lisbon}” (1 of 2)`)
  expect(await nameOf(second)).toBe(`Stop run “${lisbon}” (2 of 2)`)
  expect(await nameOf(other.run(2))).toBe(`Stop run “${lisbon}” (2 of 2)`)
  await first.stop()
  await first.reaches('cancelled')
  await expect.poll(() => nameOf(second)).toBe(`Stop run “${lisbon}”`)
})
