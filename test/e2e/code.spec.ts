import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { violationsOf } from './axe'
import { shiftsOf, watchShifts } from './shifts'
import { useVisits, type Visitor } from './visit'

const { visit } = useVisits()

interface InPage {
  createLineReader: typeof import('../../playground/src/markdown/code-lines').createLineReader
}

const program = 'const answer: number = 42 // of the universe\nexport function ask() {\n  return `six by ${7}`\n}\n'

/** Has the demo model answer with this Markdown. */
async function show(visitor: Visitor, source: string) {
  const run = await visitor.ask(`Repeat: ${source}`)
  await run.reaches('complete')
  return run
}
const coloured = (visitor: Visitor) => visitor.page.locator('.code code span[style*="--code-token"]')

describe('code in an answer', () => {
  test.each(['light', 'dark'] as const)('is coloured by its language, and named (%s)', async (colorScheme) => {
    const visitor = await visit({ colorScheme })
    await show(visitor, `\`\`\`ts\n${program}\`\`\`\n`)
    await coloured(visitor)
      .filter({ hasText: /^const$/ })
      .waitFor()
    const colours = await coloured(visitor).evaluateAll((all) => all.map((each) => getComputedStyle(each).color))
    expect(new Set(colours).size).toBeGreaterThanOrEqual(4)
    expect(await visitor.page.locator('.code').getAttribute('data-language')).toBe('TypeScript')
    expect(await visitor.page.locator('.code code').textContent()).toBe(program)
    expect(await violationsOf(visitor.page)).toEqual([])
  })

  test('in an unknown language stays plain, and loads no highlighter', async () => {
    const visitor = await visit()
    const loaded: string[] = []
    visitor.page.on('request', (request) => loaded.push(request.url()))
    await show(visitor, '```klingon\nnuqneH\n```\n')
    expect(await visitor.page.locator('.code code').textContent()).toBe('nuqneH\n')
    const highlighters = () => loaded.filter((url) => /shiki|highlight/.test(url))
    expect(highlighters()).toEqual([])
    await show(visitor, '```ts\nconst a = 1\n```\n')
    await expect.poll(() => highlighters().length).toBeGreaterThan(0)
  })

  test('shifts nothing when the colours arrive', async () => {
    const visitor = await visit({ speed: 100, allow: 3 })
    const run = await visitor.ask(`Repeat: \`\`\`ts\n${program}\`\`\`\n`)
    await run.reaches('streaming')
    await watchShifts(visitor.page)
    await visitor.allow('all')
    await run.reaches('complete')
    await coloured(visitor).first().waitFor()
    expect((await shiftsOf(visitor.page)).total).toBeLessThanOrEqual(0.02)
  })

  test('is read line by line: a token highlights its own line only', async () => {
    const visitor = await visit()
    await visitor.page.evaluate(
      "import('/src/markdown/code-lines.js').then(({ createLineReader }) => Object.assign(window, { createLineReader }))",
    )
    const { longest, states, text, code } = await visitor.page.evaluate(() => {
      let longest = 0
      const states: unknown[] = []
      const read = (window as unknown as InPage).createLineReader((content, before) => {
        longest = Math.max(longest, content.length)
        if (!states.includes(before)) states.push(before)
        return { tokens: [{ content }], state: `after ${content}` }
      })
      const code = Array.from({ length: 500 }, (_, index) => `line ${index}\n`).join('')
      let chunks = read('')
      for (let end = 3; end < code.length + 3; end += 3) chunks = read(code.slice(0, end))
      const text = chunks
        .flat()
        .map((line) => `${line.map(({ content }) => content).join('')}\n`)
        .join('')
      return { longest, states: states.length, text, code }
    })
    expect(longest).toBe('line 499'.length)
    expect(states).toBe(500)
    expect(text).toBe(code)
  })
})

describe('Expand', () => {
  const long = Array.from({ length: 60 }, (_, index) => `paragraph ${index}\n`).join('\n')
  const expand = (visitor: Visitor) => visitor.page.getByRole('button', { name: /^Expand/ })

  test('is only there when a part of the answer is hidden', async () => {
    const visitor = await visit()
    await show(visitor, 'short')
    expect(await expand(visitor).count()).toBe(0)
    // NOTE: held back until both are there, since answers one after the other are not beside each other
    await visitor.allow('nothing')
    const second = await visitor.ask('Repeat: brief')
    const third = await visitor.ask(`Repeat: ${long}`)
    await visitor.allow('all')
    await Promise.all([second.reaches('complete'), third.reaches('complete')])
    await expand(visitor).waitFor()
    await eventually(async () => {
      const hidden = await visitor.page.locator('article').evaluateAll((cards) =>
        cards.map((card) => {
          const body = card.querySelector('.body')!
          return [body.scrollHeight > body.clientHeight + 2, card.querySelector('.expand') !== null]
        }),
      )
      for (const [isHidden, hasButton] of hidden) expect(hasButton).toBe(isHidden)
    })
  })
})
