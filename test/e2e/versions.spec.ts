import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const fiveDays = 'Actually, make it five days'

const { visit, newSession } = useVisits()

const prompt = (visitor: Visitor, number: number) => visitor.page.locator('.prompt').nth(number - 1)

async function edit(visitor: Visitor, number: number, words: string): Promise<void> {
  await prompt(visitor, number)
    .getByRole('button', { name: /^Edit prompt/ })
    .click()
  await visitor.page.getByLabel('New text for prompt').fill(words)
  await visitor.page.keyboard.press('Enter')
}

const focused = (visitor: Visitor) =>
  visitor.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id)

describe('an edited prompt', () => {
  test('gets its own answer, and the arrows lead back to the previous version', async () => {
    const visitor = await visit()
    const run = await visitor.ask(lisbon)
    await run.reaches('complete')
    await edit(visitor, 1, porto)
    const other = visitor.run(1)
    await other.reaches('complete')
    await expect.poll(() => other.text()).toBe(wordsFor(porto))
    expect(await visitor.cards.count()).toBe(1)
    expect(await prompt(visitor, 1).locator('.count').textContent()).toMatch(/2\/2/)
    await visitor.press(/^Previous version of prompt/)
    await run.reads(wordsFor(lisbon))
    expect(await prompt(visitor, 1).innerText()).toContain(lisbon)
    await visitor.press(/^Next version of prompt/)
    await run.reads(wordsFor(porto))
  })

  test('does not stop an active run: it continues on its own branch, and the dock leads there', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    const runId = await run.runId()
    await edit(visitor, 1, porto)
    await expect.poll(() => visitor.run(1).runId()).not.toBe(runId)
    await visitor.run(1).streams()
    await visitor.press('1 running on another branch')
    expect(await visitor.run(1).runId()).toBe(runId)
    expect(await visitor.run(1).status()).toBe('streaming')
    await visitor.press(/^Stop run “Plan/)
    await visitor.run(1).reaches('cancelled')
    await visitor.press('1 running on another branch')
    expect(await visitor.run(1).status()).toBe('streaming')
  })

  test('leads to the branch of a run below the edited prompt', async () => {
    const visitor = await visit()
    await (await visitor.ask(lisbon)).reaches('complete')
    await visitor.allow(40)
    const second = await visitor.ask(porto)
    await second.streams()
    const runId = await second.runId()
    await edit(visitor, 1, fiveDays)
    await expect.poll(() => visitor.cards.count()).toBe(1)
    await visitor.press('1 running on another branch')
    expect(await visitor.run(2).runId()).toBe(runId)
    expect(await visitor.run(1).text()).toBe(wordsFor(lisbon))
  })

  test('is discarded by Escape, which stops no run, and focus returns', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    await visitor.press(/^Edit prompt “Plan/)
    await visitor.page.keyboard.type(' and a dog')
    await visitor.page.keyboard.press('Escape')
    expect(await prompt(visitor, 1).innerText()).not.toContain('dog')
    expect(await focused(visitor)).toBe(`Edit prompt “${lisbon}”`)
    expect(await run.status()).toBe('streaming')
  })

  test('on a touch screen, the newest prompt shows its pencil, and an earlier one once it is tapped', async () => {
    const visitor = await visit({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true })
    await (await visitor.ask(lisbon)).reaches('complete')
    await (await visitor.ask('hello')).reaches('complete')
    const seen = () =>
      visitor.page.locator('.pencil').evaluateAll((all) => all.map((pencil) => getComputedStyle(pencil).opacity))
    await expect.poll(seen).toEqual(['0', '1'])
    await visitor.page.locator('.bubble').first().tap()
    await expect.poll(seen).toEqual(['1', '1'])
    await visitor.page.getByRole('button', { name: /^Edit prompt “Plan/ }).tap()
    await visitor.page.getByRole('textbox', { name: /“Plan/ }).waitFor()
  })

  test('is opened by Up in an empty box, for the last prompt, and focus returns to the box', async () => {
    const visitor = await visit()
    await (await visitor.ask(lisbon)).reaches('complete')
    await (await visitor.ask(porto)).reaches('complete')
    await visitor.message.click()
    await visitor.page.keyboard.press('ArrowUp')
    expect(await focused(visitor)).toBe(`New text for prompt “${porto}”`)
    await visitor.page.keyboard.press('Escape')
    expect(await focused(visitor)).toBe('message')
    await visitor.page.keyboard.type('words')
    await visitor.page.keyboard.press('ArrowUp')
    expect(await focused(visitor)).toBe('message')
  })
})

describe('a comparison', () => {
  test('shows the versions side by side while both stream, stops each of them, and shows another one', async () => {
    const visitor = await visit({ allow: 20 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    await edit(visitor, 1, porto)
    await visitor.run(1).streams()
    const compare = visitor.page.getByRole('button', { name: /^2\/2: compare the versions of prompt/ })
    await compare.focus()
    await visitor.page.keyboard.press('Enter')
    const dialog = visitor.page.getByRole('dialog', { name: /^Versions of prompt/ })
    const version = (number: number) => dialog.getByRole('region', { name: `Version ${number}`, exact: true })
    const words = async (number: number) => (await version(number).locator('.prose').allInnerTexts()).join(' ').length
    // NOTE: text that still arrives moves both
    await eventually(async () => {
      const [left, right] = [(await version(1).boundingBox())!, (await version(2).boundingBox())!]
      expect([left.y, left.height]).toEqual([right.y, right.height])
      expect(left.x + left.width).toBeLessThan(right.x)
    })
    expect(await version(1).locator('.prompt').innerText()).toContain(lisbon)
    expect(await version(2).locator('.prompt').innerText()).toContain(porto)

    const before = [await words(1), await words(2)]
    await visitor.allow(40)
    await expect.poll(() => words(1)).toBeGreaterThan(before[0]!)
    await expect.poll(() => words(2)).toBeGreaterThan(before[1]!)
    await version(1)
      .getByRole('button', { name: /^Stop version 1 of run “Plan/ })
      .press('Enter')
    await version(1).getByText('Stopped by you').waitFor()
    expect(await version(2).getByText('Streaming').count()).toBe(1)

    await visitor.page.keyboard.press('Escape')
    await expect.poll(() => dialog.count()).toBe(0)
    expect(await focused(visitor)).toMatch(/^2\/2: compare the versions of prompt “And what/)
    expect(await visitor.run(1).status()).toBe('streaming')
    await visitor.page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Show version 1' }).press('Enter')
    await visitor.run(1).reaches('cancelled')
    expect(await focused(visitor)).toMatch(/^1\/2: compare the versions of prompt “Plan/)
  })
})

describe('a regenerated answer', () => {
  test('replaces the previous one on every device, and the arrows lead back', async () => {
    const session = newSession()
    const visitor = await visit({ session })
    const other = await visit({ session })
    const run = await visitor.ask(lisbon)
    await run.reaches('complete')
    const before = await run.runId()
    await visitor.press(/^Regenerate run “Plan/)
    await expect.poll(() => run.runId()).not.toBe(before)
    await run.reaches('complete')
    const again = await run.runId()
    expect(await visitor.cards.count()).toBe(1)
    await expect.poll(() => other.run(1).runId()).toBe(again)
    await visitor.press(`Previous version of run “${lisbon}”`)
    expect(await run.runId()).toBe(before)
    expect(await other.run(1).runId()).toBe(again)
    await other.press(`Previous version of run “${lisbon}”`)
    expect(await other.run(1).runId()).toBe(before)
  })

  test('can be requested while the next prompt is answered, and both keep their place', async () => {
    // NOTE: the third prompt follows the second, not its answer
    const visitor = await visit()
    const first = await visitor.ask(lisbon)
    await first.reaches('complete')
    await visitor.allow('nothing')
    const [second, third] = [await visitor.ask(porto), await visitor.ask(fiveDays)]
    await visitor.allow(40)
    await Promise.all([second.streams(), third.streams()])
    await second.stop()
    await second.reaches('cancelled')
    const before = await second.runId()
    await visitor.press(/^Regenerate run “And what/)
    await expect.poll(() => second.runId()).not.toBe(before)
    await second.streams()
    expect(await visitor.cards.count()).toBe(3)
    expect(await third.status()).toBe('streaming')
    expect(await second.card.getAttribute('aria-label')).toBe(`Run “${porto}”`)
  })
})

describe('a regenerated answer that has not started', () => {
  test('S8 is shown as starting, and can be stopped', async () => {
    const visitor = await visit()
    const run = await visitor.ask(lisbon)
    await run.reaches('complete')
    const before = await run.runId()
    await visitor.allow('nothing')
    await visitor.press(/^Regenerate run “Plan/)
    await run.card.getByText('Starting').waitFor()
    await run.stop()
    await visitor.page.waitForFunction(() => {
      const { session } = window as unknown as {
        session: import('vue-ai-transport').ClientSession<import('ai').UIMessage>
      }
      return session.view.pending().some(({ cancelling }) => cancelling)
    })
    await visitor.allow('all')
    await run.reaches('cancelled')
    expect(await run.runId()).not.toBe(before)
    expect(await run.text()).toBe('')
  })
})

describe('the arrows', () => {
  test('Alt with an arrow key switches the version of the focused message, which keeps focus', async () => {
    const visitor = await visit()
    const run = await visitor.ask(lisbon)
    await run.reaches('complete')
    const before = await run.runId()
    await visitor.press(/^Regenerate run “Plan/)
    await expect.poll(() => run.runId()).not.toBe(before)
    await run.reaches('complete')
    const again = visitor.page.getByRole('button', { name: /^Regenerate run “Plan/ })
    await again.focus()
    await visitor.page.keyboard.press('Alt+ArrowLeft')
    expect(await run.runId()).toBe(before)
    expect(await focused(visitor)).toMatch(/^Regenerate run “Plan/)
    await visitor.page.keyboard.press('Alt+ArrowRight')
    expect(await run.runId()).not.toBe(before)
    await edit(visitor, 1, porto)
    await visitor.run(1).reaches('complete')
    await visitor.page.getByRole('button', { name: /^Previous version of prompt/ }).focus()
    await visitor.page.keyboard.press('Enter')
    await run.reads(wordsFor(lisbon))
    expect(await focused(visitor)).toBe(`Previous version of prompt “${lisbon}”`)
    await visitor.page.keyboard.press('Alt+ArrowRight')
    await run.reads(wordsFor(porto))
  })

  test('every control of a message has its own name', async () => {
    const visitor = await visit()
    for (const words of [lisbon, porto]) {
      const run = await visitor.ask(words)
      await run.reaches('complete')
      await visitor.press(`Regenerate run “${words}”`)
      await visitor.page.getByRole('button', { name: `Previous version of run “${words}”` }).waitFor()
      await run.reaches('complete')
    }
    const names = await visitor.page
      .locator('main button')
      .evaluateAll((buttons) =>
        buttons.map((button) => button.getAttribute('aria-label') ?? button.textContent?.trim()),
      )
    expect(names).toEqual([...new Set(names)])
  })
})
