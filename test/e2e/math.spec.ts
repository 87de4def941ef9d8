import { expect, test } from 'vitest'
import { violationsOf } from './axe'
import { overflowOf } from './overflow'
import { useVisits } from './visit'

const { visit } = useVisits()

const euler = 'Euler wrote $e^{i\\pi} + 1 = 0$ for \\(n\\) readers at $5 or $6 each.'
const display = '$$\n\\int_0^1 x^2 \\, dx = \\frac{1}{3}\n$$'

test.each(['light', 'dark'] as const)(
  'formulas in an answer are MathML, and prices stay text (%s)',
  async (colorScheme) => {
    const visitor = await visit({ colorScheme, viewport: { width: 390, height: 800 }, hasTouch: true })
    const run = await visitor.ask(`Repeat: ${euler}\n\n${display}\n\nThe end.`)
    await run.reaches('complete')
    const formulas = run.card.locator('.prose math')
    await expect.poll(() => formulas.count()).toBe(3)
    expect(await run.card.locator('.prose mfrac').count()).toBe(1)
    expect(await formulas.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().height > 4))).toEqual([
      true,
      true,
      true,
    ])
    expect(await run.card.locator('.prose p').first().innerText()).toContain('at $5 or $6 each.')
    expect(await violationsOf(visitor.page)).toEqual([])
    expect(await overflowOf(visitor.page)).toEqual([])
  },
)

test('KaTeX is loaded with the first formula only', async () => {
  const visitor = await visit()
  const loaded = () =>
    visitor.page.evaluate(
      () => performance.getEntriesByType('resource').filter(({ name }) => /katex/i.test(name)).length,
    )
  await (await visitor.ask('Repeat: It costs $5 or $6.')).reaches('complete')
  expect(await loaded()).toBe(0)
  const run = await visitor.ask('Repeat: A formula: $x^2$')
  await run.card.locator('math').waitFor()
  expect(await loaded()).toBeGreaterThan(0)
})

test('a formula cannot link, style or run anything, and a formula with an error stays text', async () => {
  const visitor = await visit()
  const hostile = [
    'One $\\href{javascript:alert(1)}{x}$.',
    'Two $\\htmlStyle{position: fixed}{x}$ and $\\htmlClass{stop-point}{x}$.',
    'Three $\\text{<img src=x onerror=alert(1)>}$.',
    'Four $\\def\\a{\\a\\a}\\a$.',
    'Five $\\frac{1}$.',
  ].join('\n\n')
  const run = await visitor.ask(`Repeat: ${hostile}`)
  await run.reaches('complete')
  await expect.poll(() => run.card.locator('.prose math').count()).toBeGreaterThan(0)
  expect(await run.card.locator('.prose :is(a, img, [style], .stop-point, script)').count()).toBe(0)
  expect(await run.card.locator('.prose .math code').allTextContents()).toEqual(expect.arrayContaining(['\\frac{1}']))
})

test('a formula is copied as it was written', async () => {
  const visitor = await visit({ permissions: ['clipboard-read', 'clipboard-write'] })
  const run = await visitor.ask(`Repeat: ${euler}`)
  await run.reaches('complete')
  await run.card.getByRole('button', { name: /^Copy the answer/ }).click()
  expect(await visitor.page.evaluate(() => navigator.clipboard.readText())).toBe(euler)
})
