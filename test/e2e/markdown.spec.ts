import type { Locator } from 'playwright'
import { describe, expect, test } from 'vitest'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { nextFrame, shiftsOf, watchShifts } from './shifts'
import { useVisits, type Visitor } from './visit'

const { visit } = useVisits()

interface InPage {
  createBlockReader: typeof import('../../playground/src/markdown/blocks').createBlockReader
}

/** Lets the demo model answer with this Markdown. */
async function show(visitor: Visitor, source: string): Promise<void> {
  await visitor.message.fill(`Repeat: ${source}`)
  await visitor.message.press('Enter')
  await visitor.run(1).reaches('complete')
}

/**
 * Lets an answer grow to so many lines, each of so many tokens, a few lines in a frame. When one frame takes a line out of
 * view that was in the middle of it, the browser may skip the line's layout and report a shift from a place of long ago.
 */
async function growTo(visitor: Visitor, count: number, tokens: number, lines: Locator): Promise<void> {
  for (let shown = 8; shown <= count; shown += 8) {
    await visitor.allow(shown * tokens)
    await expect.poll(() => lines.count()).toBeGreaterThanOrEqual(shown - 3)
    await nextFrame(visitor.page)
  }
}

describe('Markdown in an answer', () => {
  test('aligns the columns of tables', async () => {
    const visitor = await visit()
    await show(visitor, '| a | b | c |\n| :-- | :-: | --: |\n| 1 | 2 | 3 |\n')
    const alignments = await visitor.page
      .locator('.prose td')
      .evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell).textAlign))
    expect(alignments).toEqual(['start', 'center', 'end'])
  })

  test('shows task lists', async () => {
    const visitor = await visit()
    await show(visitor, '- [x] book\n- [ ] pack\n')
    const tasks = visitor.page.locator('.prose li [role=img]')
    expect(await tasks.evaluateAll((all) => all.map((task) => task.getAttribute('aria-label')))).toEqual([
      'Done',
      'Not done',
    ])
    expect(await visitor.page.locator('.prose').innerText()).not.toContain('[')
  })

  test('scrolls a wide table inside the card of a phone, also by keyboard', async () => {
    const visitor = await visit({ viewport: { width: 360, height: 740 } })
    const row = (cell: string) => `|${` ${cell} |`.repeat(9)}\n`
    await show(visitor, `${row('heading')}${row('---')}${row('cell text')}`)
    expect(await overflowOf(visitor.page)).toEqual([])
    const table = visitor.page.getByRole('group', { name: 'Table' })
    await table.focus()
    await visitor.page.keyboard.press('ArrowRight')
    await expect.poll(() => table.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0)
  })

  test('a table that grows long keeps its place, its columns and its roles, in view and out of view', async () => {
    const visitor = await visit({ allow: 100 })
    const rows = Array.from({ length: 90 }, (_, index) => `| tower ${index} | ${index} | built |\n`)
    const run = await visitor.ask(`Repeat: | name | height | note |\n| --- | --: | --- |\n${rows.join('')}`)
    await run.streams()
    const table = run.card.getByRole('table')
    await watchShifts(visitor.page)
    await growTo(visitor, 88, 8, table.getByRole('row'))
    await expect.poll(() => table.locator('tbody').count()).toBe(3)
    const visibilities = () =>
      table.locator('tbody').evaluateAll((all) => all.map((body) => getComputedStyle(body).contentVisibility))
    await expect.poll(visibilities).toEqual(['auto', 'visible', 'visible'])
    await visitor.allow('all')
    await run.reaches('complete')
    const { total, moved } = await shiftsOf(visitor.page)
    expect(total > 0.02 ? moved : []).toEqual([])
    expect(await table.getByRole('row').count()).toBe(91)
    expect(await table.getByRole('cell', { name: 'tower 89', exact: true }).count()).toBe(1)
    const edges = await table.evaluate((element) =>
      ['th', 'tbody:first-of-type tr:first-child td', 'tbody:last-child tr:last-child td'].map((cells) =>
        [...element.querySelectorAll(cells)].map((cell) => Math.round(cell.getBoundingClientRect().left)),
      ),
    )
    expect(edges[1]).toEqual(edges[0])
    expect(edges[2]).toEqual(edges[0])
    await expect
      .poll(() =>
        visitor.page.locator('main').evaluate((main) => main.scrollHeight - main.scrollTop - main.clientHeight),
      )
      .toBeLessThan(2)
  })

  test('a list that grows long keeps its place and its numbers, stays one list, and lays out its end only', async () => {
    const visitor = await visit({ allow: 100 })
    const items = Array.from({ length: 90 }, (_, index) => `${index + 41}. tower ${index} is built\n`)
    const run = await visitor.ask(`Repeat: ${items.join('')}`)
    await run.streams()
    await watchShifts(visitor.page)
    // NOTE: into the third part of the list, while the answer still grows
    await growTo(visitor, 80, 5, run.card.getByRole('listitem'))
    const chunks = run.card.locator('.list > ol')
    await expect.poll(() => chunks.count()).toBe(3)
    const visibilities = () =>
      chunks.evaluateAll((all) => all.map((chunk) => getComputedStyle(chunk).contentVisibility))
    await expect.poll(visibilities).toEqual(['auto', 'visible', 'visible'])
    await visitor.allow('all')
    await run.reaches('complete')
    const { total, moved } = await shiftsOf(visitor.page)
    expect(total > 0.02 ? moved : []).toEqual([])
    expect(await chunks.evaluateAll((all) => all.map((chunk) => (chunk as HTMLOListElement).start))).toEqual([
      41, 73, 105,
    ])
    expect(await run.card.getByRole('list').count()).toBe(1)
    expect(await run.card.getByRole('listitem').count()).toBe(90)
    expect(await violationsOf(visitor.page)).toEqual([])
    // NOTE: a number left of its card's edge would be cut off
    const room = await chunks.evaluateAll((all) =>
      all.map((chunk) => Number.parseFloat(getComputedStyle(chunk).paddingInlineStart) + 20),
    )
    const widths = await visitor.page.evaluate(() =>
      ['72. ', '104. ', '130. '].map((text) => {
        const context = document.createElement('canvas').getContext('2d')!
        context.font = getComputedStyle(document.querySelector('.prose')!).font
        return context.measureText(text).width
      }),
    )
    for (const [index, width] of widths.entries()) expect(room[index]).toBeGreaterThan(width)
  })

  test('replaces a broken image by its description', async () => {
    const visitor = await visit()
    await show(visitor, 'Look: ![a river](data:image/png;base64,iVBORw0KGgo=)\n')
    await visitor.page.locator('.prose .broken').getByText('a river').waitFor()
    expect(await visitor.page.locator('.prose img').count()).toBe(0)
  })

  test('loads nothing from another host: an image from there is a link, and the page has a security policy', async () => {
    const visitor = await visit({ expected: /Content Security Policy/ })
    const requests: string[] = []
    visitor.page.on('request', (request) => requests.push(request.url()))
    await show(visitor, '![secrets](https://evil.example/x.png?secret=1)\n')
    const link = visitor.page.getByRole('link', { name: 'secrets (evil.example)' })
    expect(await link.getAttribute('rel')).toContain('noreferrer')
    expect(requests.filter((url) => url.includes('evil.example'))).toEqual([])
    const isBlocked = await visitor.page.evaluate(
      () =>
        new Promise((resolve) => {
          document.addEventListener('securitypolicyviolation', ({ blockedURI }) => resolve(blockedURI))
          new Image().src = 'https://evil.example/y.png'
        }),
    )
    expect(isBlocked).toContain('evil.example')
  })

  test('copies code without its language', async () => {
    const visitor = await visit({ permissions: ['clipboard-read', 'clipboard-write'], hasOwnClock: true })
    const run = await visitor.ask('How does Stop work?')
    await run.reaches('complete')
    // NOTE: the button says "Copied" for a moment only
    await visitor.stopClock()
    await run.card.getByRole('button', { name: 'Copy code' }).click()
    await run.card.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await visitor.page.evaluate(() => navigator.clipboard.readText())).toMatch(/^const active = /)
  })

  test('is copied as Markdown with the complete answer', async () => {
    const visitor = await visit({ permissions: ['clipboard-read', 'clipboard-write'], hasOwnClock: true })
    await show(visitor, '- **one**\n- two')
    await visitor.stopClock()
    await visitor.press(/^Copy the answer of run/)
    await visitor.page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await visitor.page.evaluate(() => navigator.clipboard.readText())).toBe('- **one**\n- two')
  })

  test('an answer that streams shows its caret before its first letters', async () => {
    const visitor = await visit({ allow: 1 })
    const run = await visitor.ask('Repeat: ## A heading')
    await run.reaches('streaming')
    const carets = () =>
      run.card
        .locator('.prose, .prose *')
        .evaluateAll((elements) => elements.filter((it) => getComputedStyle(it, '::after').content === '""').length)
    await expect.poll(carets).toBe(1)
    expect(await run.card.locator('.prose').innerText()).not.toContain('#')
    await visitor.allow('all')
    await run.reaches('complete')
    expect(await carets()).toBe(0)
  })

  test('a steered answer shows no raw Markdown marks', async () => {
    const visitor = await visit({ allow: 60 })
    await visitor.press('Steer it')
    const run = visitor.run(1)
    await run.card.locator('[data-steer]').waitFor()
    await visitor.allow('all')
    await run.card.locator('[data-steer="consumed"]').waitFor()
    await run.reaches('complete')
    expect(await run.text()).not.toContain('*')
  })
})

test('a long list is parsed item by item: a token parses only its own item', async () => {
  const visitor = await visit()
  await visitor.page.evaluate(
    "import('/src/markdown/blocks.js').then(({ createBlockReader }) => Object.assign(window, { createBlockReader }))",
  )
  const { parsed, items, start, whole } = await visitor.page.evaluate(() => {
    const read = (window as unknown as InPage).createBlockReader()
    const text = Array.from({ length: 400 }, (_, index) => `${index + 3}. item **${index}**\n     - nested\n`).join('')
    let longest = 0
    let blocks = read('')
    for (let end = 10; end <= text.length; end += 10) {
      blocks = read(text.slice(0, end), (source) => {
        longest = Math.max(longest, source.length)
        return source
      })
    }
    blocks = read(`${text}\nThe end.`)
    const all = blocks.flat()
    const [list] = all
    return {
      parsed: longest,
      items: list?.kind === 'list' ? list.items.flat().length : 0,
      start: list?.kind === 'list' ? list.list : undefined,
      whole: all.length,
    }
  })
  expect(parsed).toBeLessThan(70)
  expect(items).toBe(400)
  expect(start).toEqual({ tag: 'ol', start: 3 })
  expect(whole).toBe(2)
})
