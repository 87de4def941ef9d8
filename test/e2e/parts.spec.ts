import { describe, expect, test } from 'vitest'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { answering, shiftsOf, watchShifts } from './shifts'
import { useVisits, wordsFor, type RunOnPage, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'
const table = 'Book a table for two on Friday'
const fado = 'Look up where to hear fado'

const { visit, newSession } = useVisits()

const tool = (run: RunOnPage) => run.card.locator('.tool')
const toolStatus = (run: RunOnPage) => tool(run).getAttribute('data-tool')

/** Waits until the agent asks for approval to book the table. */
async function asksForTable(
  visitor: Visitor,
  ask = (text: string): Promise<RunOnPage> => visitor.ask(text),
): Promise<RunOnPage> {
  const run = await ask(table)
  await run.reaches('suspended')
  await expect.poll(() => toolStatus(run)).toBe('asking')
  return run
}

describe('a tool call', () => {
  test('needs approval, is approved in another window, and the same run continues to its end', async () => {
    const session = newSession()
    const laptop = await visit({ session })
    const phone = await visit({ session, viewport: { width: 390, height: 800 }, hasTouch: true })
    const run = await asksForTable(laptop)
    const runId = await run.runId()
    await expect.poll(() => tool(run).innerText()).toContain('Cervejaria do Cais')
    await phone.run(1).reaches('suspended')
    await phone.press('Approve Book table')
    await run.reaches('complete')
    expect(await run.runId()).toBe(runId)
    expect(await toolStatus(run)).toBe('done')
    expect(await run.text()).toMatch(/Done: Friday, 20:30, two people/)
    await phone.run(1).reaches('complete')
    expect(await toolStatus(phone.run(1))).toBe('done')
    expect(await tool(run).getByRole('button', { name: 'Approve' }).count()).toBe(0)
    await laptop.press(/^Book table/)
    expect(await tool(run).innerText()).toContain('CC-2041')
  })

  test('is denied in another window with a reason, which the agent receives', async () => {
    const session = newSession()
    const laptop = await visit({ session })
    const phone = await visit({ session })
    const run = await asksForTable(laptop)
    await phone.page.getByLabel('Reason for denying Book table, optional').fill('Too late for us')
    await phone.page.keyboard.press('Enter')
    await run.reaches('complete')
    expect(await toolStatus(run)).toBe('denied')
    expect(await tool(run).innerText()).toContain('Too late for us')
    expect(await run.text()).toMatch(/No table is booked, then\. You said: Too late for us/)
    await laptop.page.reload()
    await run.reaches('complete')
    expect(await toolStatus(run)).toBe('denied')
  })

  test('S31 Stop ends a run that waits for an answer to its tool call, from any device', async () => {
    const session = newSession()
    const laptop = await visit({ session })
    const phone = await visit({ session })
    const run = await asksForTable(laptop)
    await phone.run(1).reaches('suspended')
    await phone.run(1).stop()
    await run.reaches('cancelled')
    expect(await toolStatus(run)).toBe('stopped')
    expect(await laptop.page.getByRole('button', { name: /Approve/ }).count()).toBe(0)
    await phone.run(1).reaches('cancelled')
  })

  test('S32 Stop ends a running tool, and the run with it', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await visitor.ask(fado)
    await expect.poll(() => run.card.getByRole('progressbar').count()).toBe(1)
    await expect.poll(() => toolStatus(run)).toBe('running')
    await run.stop()
    await run.reaches('cancelled')
    const done = await run.card.getByRole('progressbar').getAttribute('aria-valuenow')
    await visitor.allow('all')
    await visitor.page.waitForTimeout(1200)
    expect(await run.card.getByRole('progressbar').getAttribute('aria-valuenow')).toBe(done)
    expect(await toolStatus(run)).toBe('stopped')
    expect(await run.text()).toBe('')
  })

  test('S28 S31 Shift and Escape stops a run that waits for an answer together with a streaming one', async () => {
    const visitor = await visit({ allow: 40 })
    const waiting = await asksForTable(visitor)
    const writing = await visitor.ask(lisbon)
    await writing.streams()
    await visitor.message.press('Shift+Escape')
    await Promise.all([waiting.reaches('cancelled'), writing.reaches('cancelled')])
    expect(await toolStatus(waiting)).toBe('stopped')
  })

  test('S31 Stop and send ends a run that waits for an answer, too', async () => {
    const visitor = await visit()
    const run = await asksForTable(visitor)
    await visitor.message.fill(lisbon)
    await visitor.press('Stop and send')
    await run.reaches('cancelled')
    expect(await toolStatus(run)).toBe('stopped')
    await visitor.run(2).reaches('complete')
  })

  test.each([1280, 360])('is one row once it is done, which opens to its input and output (%i px)', async (width) => {
    const visitor = await visit({ viewport: { width, height: 800 }, hasTouch: width < 500 })
    const run = await visitor.ask(fado)
    await run.reaches('complete')
    const row = tool(run).getByRole('button', { name: /^Read guides/ })
    expect(await row.getAttribute('aria-expanded')).toBe('false')
    expect((await tool(run).boundingBox())!.height).toBeLessThan(50)
    expect(await tool(run).innerText()).toMatch(/^Read guides\s+Done$/)
    await row.click()
    expect(await row.getAttribute('aria-expanded')).toBe('true')
    expect(await tool(run).innerText()).toMatch(/Input\s+topic\s+fado[^]*Output\s+read\s+4/i)
    await row.click()
    expect((await tool(run).boundingBox())!.height).toBeLessThan(50)
  })

  test('says once that it needs approval, shows what it would do, and closes when it is approved', async () => {
    const visitor = await visit()
    const run = await asksForTable(visitor)
    const row = tool(run).getByRole('button', { name: /^Book table/ })
    await expect.poll(() => row.getAttribute('aria-expanded')).toBe('true')
    expect(await run.card.getByText('Needs approval').count()).toBe(1)
    expect(await tool(run).innerText()).toContain('Cervejaria do Cais')
    await visitor.press('Approve Book table')
    await run.reaches('complete')
    expect(await row.getAttribute('aria-expanded')).toBe('false')
  })

  test('keeps focus when it is answered by keyboard', async () => {
    const visitor = await visit()
    const run = await asksForTable(visitor)
    await visitor.page.getByRole('button', { name: 'Approve Book table' }).focus()
    await visitor.page.keyboard.press('Enter')
    await run.reaches('complete')
    const focused = () => visitor.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    expect(await focused()).toBe('Tool call, Book table')
  })

  test('another run can start and complete beside one that waits for approval', async () => {
    const visitor = await visit()
    const run = await asksForTable(visitor)
    const second = await visitor.ask(lisbon)
    await second.reaches('complete')
    expect(await run.status()).toBe('suspended')
    await visitor.press('Approve Book table')
    await run.reaches('complete')
    await second.reads(wordsFor(lisbon))
  })
})

describe('a steer', () => {
  test('is sent into the right run, received by the agent, and answered there', async () => {
    const session = newSession()
    const visitor = await visit({ session, allow: 40 })
    const other = await visit({ session })
    const [first, second] = [await visitor.ask(lisbon), await visitor.ask(porto)]
    await Promise.all([first.streams(), second.streams()])
    await visitor.message.fill('We do not eat fish')
    await visitor.press('More ways to send')
    await visitor.press(/^Steer run “Plan/)
    expect(await visitor.message.inputValue()).toBe('')
    await visitor.allow('all')
    await expect.poll(() => first.card.locator('[data-steer="consumed"]').count()).toBe(1)
    await first.reaches('complete')
    expect(await first.card.innerText()).toMatch(
      /We do not eat fish[^]*Seen by the agent[^]*Noted, and the plan bends easily/,
    )
    expect(await second.card.locator('[data-steer]').count()).toBe(0)
    expect(await visitor.cards.count()).toBe(2)
    await other.run(1).reaches('complete')
    expect(await other.run(1).text()).toBe(await first.text())
  })

  test('waits in the card of its run until the agent has received it', async () => {
    const visitor = await visit({ allow: 10 })
    const run = await visitor.ask(lisbon)
    await run.streams(6)
    await visitor.message.fill('We do not eat fish')
    await visitor.message.press('Alt+Enter')
    await run.card.locator('[data-steer="waiting"]').waitFor()
    expect(await run.card.innerText()).toContain('Waiting for the agent')
    await run.stop()
    await run.reaches('cancelled')
    await run.card.locator('[data-steer="missed"]').waitFor()
    await visitor.press('Send “We do not eat fish” as a new message')
    await visitor.run(2).reaches('streaming')
    expect(await visitor.run(2).card.getAttribute('aria-label')).toBe('Run “We do not eat fish”')
  })
})

describe('reasoning', () => {
  test('is collapsed, shows how long it took, and can be expanded', async () => {
    const visitor = await visit({ speed: 200 })
    const run = await visitor.ask('Think first: is Sintra worth a day?')
    const fold = run.card.getByRole('button', { name: /^(Thinking|Thought for \d+ s)$/ })
    await fold.waitFor()
    expect(await fold.getAttribute('aria-expanded')).toBe('false')
    await run.reaches('complete')
    expect(await run.card.innerText()).not.toContain('Sintra is forty minutes away')
    expect(await fold.innerText()).toMatch(/Thought for [1-9]\d* s/)
    await fold.click()
    expect(await fold.getAttribute('aria-expanded')).toBe('true')
    expect(await run.card.innerText()).toContain('Sintra is forty minutes away')
    await run.reads(wordsFor('Think first: is Sintra worth a day?'))
  })
})

test.each([1280, 360])(
  'while the model thinks, its sentence grows in a room of fixed height (%i px)',
  async (width) => {
    const visitor = await visit({ viewport: { width, height: 740 }, allow: 12 })
    const run = await visitor.ask('Think first: is Sintra worth a day?')
    const fold = run.card.getByRole('button', { name: 'Thinking', exact: true })
    const thought = run.card.locator('.latest')
    await expect.poll(() => thought.innerText()).toMatch(/^They have a weekend, and Sintra/)
    expect((await fold.boundingBox())!.height).toBeLessThan(44)
    const room = (await thought.boundingBox())!.height
    const soFar = await thought.innerText()
    await visitor.allow(18)
    await expect.poll(() => thought.innerText()).not.toBe(soFar)
    expect(await thought.innerText()).toContain(soFar)
    expect((await thought.boundingBox())!.height).toBe(room)
    expect(await overflowOf(visitor.page)).toEqual([])
    await fold.click()
    await expect.poll(() => thought.count()).toBe(0)
    expect(await fold.innerText()).toBe('Thinking')
  },
)

describe('sources and files', () => {
  test('are links only if the link is safe', async () => {
    const visitor = await visit()
    const run = await visitor.ask(fado)
    await run.reaches('complete')
    const links = run.card.getByRole('list', { name: 'Sources' }).getByRole('link')
    expect(await links.count()).toBe(3)
    for (const link of await links.all()) {
      expect(await link.getAttribute('href')).toMatch(/^https:/)
      expect(await link.getAttribute('rel')).toContain('noopener')
    }
  })

  test('from a hostile model have no effect', async () => {
    const visitor = await visit()
    const run = await visitor.ask('Show me hostile links')
    await run.reaches('complete')
    const sources = run.card.getByRole('list', { name: 'Sources' })
    expect(await sources.getByRole('listitem').count()).toBe(3)
    expect(await sources.innerText()).toContain('<img src=x onerror=alert(1)>')
    const live = await run.card.locator('[href], [src]').evaluateAll((all) => all.map((each) => each.outerHTML))
    expect(live).toEqual([])
  })

  test('a generated picture is shown', async () => {
    const visitor = await visit()
    const run = await visitor.ask('Paint the Tagus at dusk')
    await run.reaches('complete')
    const image = run.card.locator('img')
    expect(await image.getAttribute('src')).toMatch(/^data:image\/png;base64,/)
    await expect.poll(() => image.evaluate((each: HTMLImageElement) => each.naturalWidth)).toBe(320)
  })

  test('are attached to a prompt, and every device sees them', async () => {
    const session = newSession()
    const visitor = await visit({ session })
    const other = await visit({ session })
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP4z8DwHwAFAAH/q842iQAAAABJRU5ErkJggg=='
    await visitor.page.locator('input[type=file]').setInputFiles([
      { name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('buy shoes with grip') },
      { name: 'cv.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-') },
    ])
    const attached = visitor.page.getByRole('list', { name: 'Attached files' })
    await expect.poll(() => attached.getByRole('listitem').count()).toBe(2)
    await visitor.page.getByText("cv.pdf can't be attached").waitFor()
    const run = await visitor.ask('What do you make of these?')
    expect(await attached.count()).toBe(0)
    await run.reaches('complete')
    expect(await run.text()).toMatch(/^Thank you for the picture/)
    const prompt = other.page.locator('.prompt')
    expect(await prompt.locator('img').getAttribute('src')).toBe(`data:image/png;base64,${png}`)
    expect(await prompt.innerText()).toContain('notes.txt')
  })

  test('that are too large for a channel message are refused with the reason', async () => {
    const visitor = await visit()
    const big = { name: 'big.png', mimeType: 'image/png', buffer: Buffer.alloc(240 * 1024) }
    await visitor.page.locator('input[type=file]').setInputFiles(big)
    await visitor.page.getByText('big.png is too large (240 KB). A message has room for 42 KB of files.').waitFor()
    expect(await visitor.page.getByRole('list', { name: 'Attached files' }).count()).toBe(0)
  })
})

describe('access', () => {
  test.each(['light', 'dark'] as const)(
    'Axe finds nothing serious in tools, reasoning, sources, steers (%s)',
    async (colorScheme) => {
      const visitor = await visit({ hasMotion: true, colorScheme })
      const waiting = await asksForTable(visitor)
      expect(await violationsOf(visitor.page)).toEqual([])
      await visitor.press('Deny Book table')
      await waiting.reaches('complete')
      await (await visitor.ask(fado)).reaches('complete')
      await visitor.allow(20)
      const thinking = await visitor.ask('Think first: is Sintra worth a day?')
      await thinking.card.getByRole('button', { name: 'Thinking' }).waitFor()
      expect(await violationsOf(visitor.page)).toEqual([])
      await visitor.allow('all')
      await thinking.reaches('complete')
      await visitor.press(/^Thought for/)
      await visitor.allow(40)
      const steered = await visitor.ask(lisbon)
      await steered.streams()
      await visitor.message.fill('We do not eat fish')
      await visitor.press('More ways to send')
      expect(await violationsOf(visitor.page)).toEqual([])
      await visitor.press(/^Steer run “Plan/)
      await steered.card.locator('[data-steer]').waitFor()
      await visitor.press(/^Edit prompt “Book/)
      expect(await violationsOf(visitor.page)).toEqual([])
    },
  )
})

describe('layout', () => {
  const sizes = [
    ['desktop', { width: 1280, height: 800 }],
    ['phone', { width: 360, height: 740 }],
  ] as const

  test.each(sizes)('reasoning, tools, sources and a steer shift the page by at most 0.02 (%s)', async (_, viewport) => {
    const visitor = await visit({ hasMotion: true, viewport, speed: 100 })
    await watchShifts(visitor.page)
    const ask = (text: string) => answering(visitor.page, () => visitor.ask(text))
    await (await ask('Think first: is Sintra worth a day?')).reaches('complete')
    await (await ask(fado)).reaches('complete')
    const waiting = await asksForTable(visitor, ask)
    await answering(visitor.page, async () => {
      await visitor.press('Approve Book table')
      await expect.poll(() => toolStatus(waiting)).not.toBe('asking')
    })
    await waiting.reaches('complete')
    await visitor.allow(40)
    const steered = await ask(lisbon)
    await steered.streams()
    await answering(visitor.page, async () => {
      await visitor.message.fill('We do not eat fish')
      await visitor.message.press('Alt+Enter')
      await steered.card.locator('[data-steer]').waitFor()
      await visitor.allow('all')
      await steered.card.locator('[data-steer="consumed"]').waitFor()
    })
    await steered.reaches('complete')
    const { total, moved } = await shiftsOf(visitor.page)
    console.log(`layout shift, parts of every kind: ${total.toFixed(4)}`, moved)
    expect(total).toBeLessThanOrEqual(0.02)
  })

  test('nothing scrolls sideways at 360 px with an approval, arrows and an open editor', async () => {
    const visitor = await visit({ viewport: { width: 360, height: 740 }, hasTouch: true })
    const run = await asksForTable(visitor)
    expect(await overflowOf(visitor.page)).toEqual([])
    await run.stop()
    await run.reaches('cancelled')
    await visitor.press(/^Regenerate run “Book/)
    await run.card.getByRole('group', { name: /^Versions of run “Book/ }).waitFor()
    await run.reaches('suspended')
    expect(await overflowOf(visitor.page)).toEqual([])
    await visitor.press(/compare the versions of run “Book/)
    expect(await overflowOf(visitor.page)).toEqual([])
    await visitor.page.keyboard.press('Escape')
    await visitor.press(/^Edit prompt “Book/)
    expect(await overflowOf(visitor.page)).toEqual([])
  })
})

describe('cost', () => {
  test('a token renders its own text, and nothing else on the page', async () => {
    const visitor = await visit({ profile: true })
    for (const words of [porto, fado]) await (await visitor.ask(words)).reaches('complete')
    await visitor.allow(30)
    const run = await visitor.ask(lisbon)
    await run.streams(10)
    // NOTE: buttons of answers that have just ended change once more, after the time of a double click
    await expect.poll(() => visitor.page.locator('article [aria-disabled=true]').count()).toBe(0)
    await visitor.page.evaluate(() => {
      const counts: Record<string, number> = {}
      Object.assign(window, { counts })
      new PerformanceObserver((list) => {
        for (const { name } of list.getEntries()) counts[name] = (counts[name] ?? 0) + 1
      }).observe({ type: 'measure' })
    })
    await visitor.allow(180)
    await run.streams(120)
    const counts = await visitor.page.evaluate(() => (window as unknown as { counts: Record<string, number> }).counts)
    expect(await run.status()).toBe('streaming')
    const rendered = Object.entries(counts).filter(([name]) => name.endsWith(' render'))
    console.log('renders while an answer streams', Object.fromEntries(rendered))
    const names = rendered.map(([name]) => name.replace(/^<(\w+)>.*$/, '$1'))
    expect(
      names.filter(
        (name) =>
          !/^(MarkdownText|MarkdownChunk|MarkdownList|MarkdownItems|MarkdownItem|MarkdownBlock|RunMeter)$/.test(name),
      ),
    ).toEqual([])
    expect(names).toContain('MarkdownText')
  })
})
