import { describe, expect, test } from 'vitest'
import { useVisits, wordsFor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const fiveDays = 'Actually, make it five days'

const { visit, newSession } = useVisits()

describe('sending while an answer is written', () => {
  test('S1 S3 S9 S14 S53 S55 a second prompt starts its own run at once, and the first run continues', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    await first.streams()
    const second = await visitor.ask(porto)
    await second.streams()
    expect(await first.status()).toBe('streaming')
    expect(await first.runId()).not.toBe(await second.runId())
    await visitor.allow('all')
    await Promise.all([first.reaches('complete'), second.reaches('complete')])
    await first.reads(wordsFor(lisbon))
    await second.reads(wordsFor(porto))
  })

  test('S56 prompts in quick succession are all answered, in their order', async () => {
    const visitor = await visit()
    const prompts = ['first question', 'second question', 'third question', 'fourth question']
    for (const prompt of prompts) {
      await visitor.message.fill(prompt)
      await visitor.message.press('Enter')
    }
    for (const [index, prompt] of prompts.entries()) {
      const run = visitor.run(index + 1)
      await run.reaches('complete')
      expect(await run.card.getAttribute('aria-label')).toBe(`Run “${prompt}”`)
      await run.reads(wordsFor(prompt))
    }
    expect(await visitor.cards.count()).toBe(4)
  })

  test('S4 S13 Stop and send stops the active run, then sends; the new run starts clean', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    await first.streams()
    await visitor.message.fill(fiveDays)
    await visitor.press('Stop and send')
    const second = visitor.run(2)
    await first.reaches('cancelled')
    await visitor.allow('all')
    await second.reaches('complete')
    await second.reads(wordsFor(fiveDays))
    expect(await first.status()).toBe('cancelled')
  })

  test('S30 S43 tokens in flight belong to the stopped run, never to the new one', async () => {
    const visitor = await visit({ speed: 300, allow: 20 })
    const first = await visitor.ask(lisbon)
    await first.streams(10)
    await visitor.message.fill(porto)
    await Promise.all([visitor.allow(200), visitor.press('Stop and send')])
    const second = visitor.run(2)
    await first.reaches('cancelled')
    await visitor.allow('all')
    await second.reaches('complete')
    const stopped = await first.text()
    expect(stopped.length).toBeGreaterThan(20)
    expect(wordsFor(lisbon).startsWith(stopped)).toBe(true)
    await second.reads(wordsFor(porto))
  })
})

describe('stopping', () => {
  test('S15 S16 S24 S25 S44 Stop on one of two runs ends it, and the other keeps exactly its own text', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    const second = await visitor.ask(porto)
    await Promise.all([first.streams(), second.streams()])
    await first.stop()
    await first.reaches('cancelled')
    expect(await second.status()).toBe('streaming')
    const stopped = await first.text()
    await visitor.allow('all')
    await second.reaches('complete')
    await second.reads(wordsFor(porto))
    const kept = await first.text()
    expect(kept.startsWith(stopped)).toBe(true)
    expect(wordsFor(lisbon).startsWith(kept)).toBe(true)
  })

  test('S23 S46 S47 a second device sees both answers, and its Stop ends one of them', async () => {
    const session = newSession()
    const laptop = await visit({ session, allow: 40 })
    const phone = await visit({ session, viewport: { width: 390, height: 800 }, hasTouch: true })
    const [first, second] = [await laptop.ask(lisbon), await laptop.ask(porto)]
    await Promise.all([phone.run(1).streams(), phone.run(2).streams()])
    await phone.run(2).stop()
    await second.reaches('cancelled')
    expect(await first.status()).toBe('streaming')
    await laptop.allow('all')
    await Promise.all([first.reaches('complete'), phone.run(1).reaches('complete')])
    await phone.run(1).reads(wordsFor(lisbon))
    expect(await phone.run(2).text()).toBe(await second.text())
  })

  test('S8 S17 a prompt whose run has not started can be stopped', async () => {
    const visitor = await visit({ allow: 'nothing' })
    const run = await visitor.ask(lisbon)
    expect(await run.status()).toBe('starting')
    expect(await run.card.getAttribute('data-input-id')).toBeTruthy()
    expect(await run.card.getAttribute('data-run-id')).toBeNull()
    await run.stop()
    await run.reaches('cancelling')
    await visitor.allow('all')
    await run.reaches('cancelled')
    expect(await run.text()).toBe('')
  })

  test('S8 a prompt whose run has not started can be stopped from another device', async () => {
    const session = newSession()
    const laptop = await visit({ session, allow: 'nothing' })
    const phone = await visit({ session })
    const run = await laptop.ask(lisbon)
    await phone.run(1).reaches('starting')
    await phone.run(1).stop()
    await phone.run(1).reaches('cancelling')
    await laptop.allow('all')
    await run.reaches('cancelled')
    expect(await run.text()).toBe('')
    await phone.run(1).reaches('cancelled')
  })

  test('S28 Stop all ends every run, including those that have not started', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    const second = await visitor.ask(porto)
    await Promise.all([first.streams(), second.streams()])
    const third = await visitor.ask(fiveDays)
    await visitor.press(/^Stop all/)
    await Promise.all([first, second, third].map((run) => run.reaches('cancelled')))
    expect(await visitor.page.getByRole('button', { name: /^Stop/, disabled: false }).count()).toBe(0)
  })

  test('S27 the Stop buttons follow each start and each kind of end', async () => {
    const visitor = await visit({ allow: 40 })
    const interrupt = visitor.page.getByRole('button', { name: 'Stop and send' })
    const send = visitor.page.getByRole('button', { name: 'Send', exact: true })
    const kinds = [
      { prompt: lisbon, end: 'complete' },
      { prompt: 'Tell me how you fail', end: 'error' },
      { prompt: porto, end: 'cancelled' },
    ] as const
    expect(await interrupt.count()).toBe(0)
    for (const { prompt, end } of kinds) {
      const run = await visitor.ask(prompt)
      await interrupt.waitFor()
      expect(await send.isEnabled()).toBe(true)
      await (end === 'cancelled' ? run.stop() : visitor.allow('all'))
      await run.reaches(end)
      await interrupt.waitFor({ state: 'detached' })
      expect(await run.stopButton.count()).toBe(0)
      expect(await send.isEnabled()).toBe(true)
      await visitor.allow(40)
    }
  })
})

interface InConsole {
  session: import('vue-ai-transport').ClientSession<import('ai').UIMessage>
  UIMessageCodec: typeof import('vue-ai-transport').UIMessageCodec
}

describe('in the console', () => {
  test('S5 S6 S10 the snippet of the feature page works as written', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    await first.streams()
    await visitor.page.evaluate(async () => {
      const { session, UIMessageCodec } = window as unknown as InConsole
      const text = 'Actually, make it five days'
      const active = session.view.runs().filter((run) => run.status === 'active')
      await Promise.all(active.map((run) => session.cancel(run.runId)))
      const parts = [{ type: 'text' as const, text }]
      await session.view.send(UIMessageCodec.createUserMessage({ id: 'my-own-id', role: 'user', parts }))
    })
    await first.reaches('cancelled')
    await visitor.run(2).streams()
    const ids = await visitor.page.evaluate(() => {
      const { session } = window as unknown as InConsole
      return session.view.getMessages().map(({ message }) => message.id)
    })
    expect(ids).toContain('my-own-id')
  })

  test('S22 S25 S26 S45 send returns a handle of its own run, and ids from runs() stop the right one', async () => {
    const visitor = await visit({ allow: 40 })
    const told = await visitor.page.evaluate(async () => {
      const { session } = window as unknown as InConsole
      const one = await session.view.send('Plan a weekend in Lisbon')
      const two = await session.view.send('What does Porto cost?')
      const three = await session.view.send('How does Stop work?')
      await Promise.all([one.started, two.started, three.started])
      const ids = session.view.runs().map(({ runId, status }) => [runId, status] as const)
      await two.cancel()
      const ended = await two.finished
      const last = session.view.runs().find((run) => run.runId === three.runId)!
      await session.cancel(last.runId)
      const lastEnded = await three.finished
      const statusOfFirst = () => session.view.runs().find((run) => run.runId === one.runId)!.status
      const first = statusOfFirst()
      await session.view.send('hello', { whenBusy: 'interrupt', waitFor: 'ended' })
      const afterInterrupt = statusOfFirst()
      return { handles: [one.runId, two.runId, three.runId], ids, ended, lastEnded, first, afterInterrupt }
    })
    // NOTE: agents may start prompts that are sent at once in any order
    expect(new Map(told.ids)).toEqual(new Map(told.handles.map((id) => [id, 'active'])))
    expect(told.ended).toEqual({ reason: 'cancelled' })
    expect(told.lastEnded).toEqual({ reason: 'cancelled' })
    expect(told.first).toBe('active')
    expect(told.afterInterrupt).toBe('cancelled')
    expect(await visitor.run(2).runId()).toBe(told.handles[1])
    await visitor.run(1).reaches('cancelled')
  })
})
