import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { overflowOf } from './overflow'
import { answering, shiftsOf, watchShifts } from './shifts'
import { useVisits, wordsFor, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit, newSession } = useVisits()

describe('layout', () => {
  const sizes = [
    ['desktop', { width: 1280, height: 800 }],
    ['tablet', { width: 820, height: 1100 }],
    ['phone', { width: 360, height: 740 }],
  ] as const

  test.each(sizes)('two streaming answers shift the page by at most 0.02 (%s)', async (_, viewport) => {
    const visitor = await visit({ hasMotion: true, viewport, speed: 100, allow: 40 })
    await visitor.ask(lisbon)
    await visitor.ask(porto)
    await visitor.run(2).streams()
    await watchShifts(visitor.page)
    await visitor.allow('all')
    await Promise.all([visitor.run(1).reaches('complete'), visitor.run(2).reaches('complete')])
    const { total, moved } = await shiftsOf(visitor.page)
    console.log(`layout shift, two answers to their end: ${total.toFixed(4)}`, moved)
    expect(total).toBeLessThanOrEqual(0.02)
  })

  test('a whole visit shifts the page by at most 0.02: one answer, Stop and send, Stop, an error', async () => {
    const visitor = await visit({ hasMotion: true, speed: 100, allow: 60 })
    await watchShifts(visitor.page)
    const ask = (text: string) => answering(visitor.page, () => visitor.ask(text))
    await (await ask(lisbon)).streams()
    await answering(visitor.page, async () => {
      await visitor.message.fill(porto)
      await visitor.press('Stop and send')
      await visitor.run(1).reaches('cancelled')
      await visitor.run(2).reaches('streaming')
    })
    await visitor.run(2).streams(20)
    await answering(visitor.page, async () => {
      await visitor.run(2).stop()
      await visitor.run(2).reaches('cancelled')
    })
    await visitor.allow('all')
    await (await ask('Tell me how you fail')).reaches('error')
    const { total, moved } = await shiftsOf(visitor.page)
    console.log(`layout shift, a whole visit: ${total.toFixed(4)}`, moved)
    expect(total).toBeLessThanOrEqual(0.02)
  })

  test('nothing scrolls sideways at 360 px', async () => {
    const visitor = await visit({ hasMotion: true, viewport: { width: 360, height: 740 }, hasTouch: true, allow: 60 })
    expect(await overflowOf(visitor.page)).toEqual([])
    await visitor.ask(lisbon)
    await visitor.ask(porto)
    await visitor.run(2).streams(30)
    expect(await overflowOf(visitor.page)).toEqual([])
    const long = await visitor.ask(`${'unbroken'.repeat(30)} https://example.com/${'a'.repeat(200)}`)
    await long.streams()
    expect(await overflowOf(visitor.page)).toEqual([])
    await visitor.press(/^Stop all/)
    await long.reaches('cancelled')
    expect(await overflowOf(visitor.page)).toEqual([])
  })

  test('follows the end of the conversation only while the reader is at the end', async () => {
    const visitor = await visit({ hasMotion: true, viewport: { width: 1000, height: 500 }, allow: 150 })
    const run = await visitor.ask(lisbon)
    await run.streams(90)
    const distance = () =>
      visitor.page.locator('main').evaluate((main) => main.scrollHeight - main.scrollTop - main.clientHeight)
    await expect.poll(distance).toBeLessThan(40)
    await visitor.page.locator('main').hover()
    await visitor.page.mouse.wheel(0, -300)
    await eventually(async () => expect(await distance()).toBeGreaterThan(100))
    const top = () => visitor.page.locator('main').evaluate((main) => main.scrollTop)
    // NOTE: the browser scrolls smoothly
    await visitor.page.locator('main').evaluate(async (main) => {
      for (let still = 0, last = -1; still < 20; last = main.scrollTop) {
        await new Promise(requestAnimationFrame)
        still = main.scrollTop === last ? still + 1 : 0
      }
    })
    const before = await top()
    await visitor.allow('all')
    await run.reaches('complete')
    expect(await top()).toBe(before)
    await visitor.press('Latest')
    await expect.poll(distance).toBeLessThan(40)
  })

  test('follows an answer that grows again before the browser has reported the scroll to its end', async () => {
    const visitor = await visit({ hasMotion: true, viewport: { width: 1000, height: 500 } })
    await (await visitor.ask(lisbon)).reaches('complete')
    const distance = await visitor.page.evaluate(async () => {
      const main = document.querySelector('main')!
      const log = main.querySelector('[role=log]')!
      const grow = () => log.append(Object.assign(document.createElement('p'), { style: 'height: 200px' }))
      const { port1, port2 } = new MessageChannel()
      port1.addEventListener('message', grow, { once: true })
      port1.start()
      // NOTE: observed later than by the page, so the page has scrolled, and the message comes before the next frame
      const observer = new ResizeObserver(() => port2.postMessage('scrolled'))
      const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve))
      await nextFrame()
      grow()
      observer.observe(log, { box: 'border-box' })
      for (let frame = 0; frame < 4; frame++) await nextFrame()
      observer.disconnect()
      return main.scrollHeight - main.scrollTop - main.clientHeight
    })
    expect(distance).toBeLessThan(40)
  })
})

test('text is in one font that ships with the page, code in that of the system, in at most three weights', async () => {
  const visitor = await visit()
  await (await visitor.ask(lisbon)).reaches('complete')
  await (await visitor.ask('Tell me how you fail')).reaches('error')
  await visitor.press('Settings')
  const { families, weights, loaded } = await visitor.page.evaluate(() => {
    const withText = [...document.querySelectorAll('body *')].filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()),
    )
    const styles = withText.map((element) => getComputedStyle(element))
    const used = (pick: (style: CSSStyleDeclaration) => string) => [...new Set(styles.map(pick))].toSorted()
    return {
      families: used(({ fontFamily }) => fontFamily.split(',')[0]!),
      weights: used(({ fontWeight }) => fontWeight),
      loaded: [...document.fonts].filter(({ status }) => status === 'loaded').map(({ family }) => family),
    }
  })
  expect(families).toEqual(['Inter', 'ui-monospace'])
  expect(loaded).toContain('Inter')
  expect(weights).toEqual(['400', '500', '650'])
})

describe('access', () => {
  test('every Stop has its own name, which starts with "Stop run"', async () => {
    const visitor = await visit({ allow: 40 })
    await visitor.ask(lisbon)
    await visitor.ask(porto)
    await visitor.run(2).streams()
    const third = await visitor.ask('How does Stop work?')
    await third.streams()
    const stops = await visitor.page.getByRole('button', { name: /^Stop run/ }).all()
    const names = await Promise.all(stops.map((stop) => stop.getAttribute('aria-label')))
    expect(names.length).toBeGreaterThanOrEqual(3)
    expect(new Set(names).size).toBe(names.length)
  })

  test('a Stop is not covered by the drawer of failures, which is beside the conversation on a wide screen', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    await visitor.press('Settings')
    await visitor.press('Simulate failures')
    await visitor.page.getByRole('dialog', { name: 'Simulate failures' }).waitFor()
    await run.stop()
    await run.reaches('cancelled')
  })

  test('a Stop that has scrolled out of view is in the dock', async () => {
    const visitor = await visit({ viewport: { width: 1000, height: 520 } })
    const first = await visitor.ask(lisbon)
    await first.reaches('complete')
    await visitor.allow(40)
    const second = await visitor.ask(porto)
    await second.streams()
    const inDock = visitor.page.getByRole('button', { name: /^Stop run “And what .* from the dock/ })
    expect(await inDock.count()).toBe(0)
    await visitor.page.locator('main').hover()
    await visitor.page.mouse.wheel(0, -2000)
    await inDock.click()
    await second.reaches('cancelled')
  })

  test('announces the start and end of runs, and no tokens', async () => {
    const visitor = await visit()
    expect(await visitor.page.getByRole('log').getAttribute('aria-live')).toBe('off')
    await visitor.page.evaluate(() => {
      const heard: string[] = []
      Object.assign(window, { heard })
      for (const region of document.querySelectorAll('[role=status], [role=alert]')) {
        new MutationObserver(() => heard.push(region.textContent ?? '')).observe(region, {
          childList: true,
          characterData: true,
          subtree: true,
        })
      }
    })
    await (await visitor.ask(lisbon)).reaches('complete')
    await visitor.allow(40)
    const second = await visitor.ask(porto)
    await second.streams()
    await second.stop()
    await second.reaches('cancelled')
    await visitor.allow('all')
    await (await visitor.ask('Tell me how you fail')).reaches('error')
    const heard = () => visitor.page.evaluate(() => (window as unknown as { heard: string[] }).heard)
    await expect.poll(async () => (await heard()).join(' ')).toContain('the demo model failed')
    const said = (await heard()).filter((words) => words !== '').join(' ')
    expect(said).toMatch(/Run “Plan .*” started\. Run “Plan .*” is complete\. Run “And what .*” started\./)
    expect(said).toMatch(/Run “And what .*” stopped\./)
    expect(said).toMatch(/Run “Tell me how you fail” failed: .*the demo model failed/)
    expect((await heard()).length).toBeLessThan(12)
  })

  test('shows no motion if the system asks for less', async () => {
    const visitor = await visit({ reducedMotion: 'reduce', allow: 40 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    expect(await visitor.page.evaluate(() => document.getAnimations().length)).toBe(0)
  })
})

describe('keyboard', () => {
  test('S16 Escape stops the newest run only, with Shift all of them', async () => {
    const visitor = await visit({ allow: 40 })
    const [first, second, third] = [await visitor.ask(lisbon), await visitor.ask(porto), await visitor.ask('hello')]
    await Promise.all([first.streams(), second.streams(), third.streams()])
    await visitor.page.keyboard.press('Escape')
    await third.reaches('cancelled')
    expect(await first.status()).toBe('streaming')
    expect(await second.status()).toBe('streaming')
    await visitor.page.keyboard.press('Shift+Escape')
    await Promise.all([first.reaches('cancelled'), second.reaches('cancelled')])
  })

  test('Shift and Enter breaks the line, Enter sends, and focus stays in the message box', async () => {
    const visitor = await visit()
    await visitor.message.click()
    await visitor.page.keyboard.type('one')
    await visitor.page.keyboard.press('Shift+Enter')
    await visitor.page.keyboard.type('two')
    expect(await visitor.message.inputValue()).toBe('one\ntwo')
    await visitor.page.keyboard.press('Enter')
    await visitor.run(1).reaches('complete')
    expect(await visitor.message.inputValue()).toBe('')
    expect(await visitor.message.evaluate((box) => box === document.activeElement)).toBe(true)
  })

  test('S4 Control, Shift and Enter stops and sends', async () => {
    const visitor = await visit({ allow: 40 })
    const first = await visitor.ask(lisbon)
    await first.streams()
    await visitor.message.fill(porto)
    await visitor.page.keyboard.press('Control+Shift+Enter')
    await first.reaches('cancelled')
    await visitor.run(2).streams()
    expect(await visitor.message.inputValue()).toBe('')
  })

  test('keys of an input method have no other effect', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    await visitor.message.fill('にほん')
    await visitor.message.evaluate((box) => {
      for (const key of ['Enter', 'Escape']) {
        box.dispatchEvent(new KeyboardEvent('keydown', { key, isComposing: true, bubbles: true, cancelable: true }))
      }
    })
    expect(await visitor.message.inputValue()).toBe('にほん')
    expect(await run.status()).toBe('streaming')
  })

  test('focus stays where it is when a run ends under a focused Stop', async () => {
    const visitor = await visit({ allow: 40 })
    const run = await visitor.ask(lisbon)
    await run.streams()
    await run.stopButton.focus()
    await visitor.allow('all')
    await run.reaches('complete')
    expect(await visitor.page.evaluate(() => document.activeElement?.tagName)).toBe('BUTTON')
    await visitor.allow(40)
    const second = await visitor.ask(porto)
    await second.streams()
    await second.stopButton.focus()
    await visitor.page.keyboard.press('Enter')
    await second.reaches('cancelled')
    const name = await visitor.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    expect(name).toBe(`Regenerate run “${porto}”`)
  })
})

describe('focus set by keyboard', () => {
  const focused = (visitor: Visitor) =>
    visitor.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id)

  test('moves to the message box when the focused control disappears', async () => {
    const visitor = await visit({ viewport: { width: 1000, height: 520 }, allow: 'begin' })
    await visitor.page.getByRole('button', { name: 'Think first' }).focus()
    await visitor.page.keyboard.press('Enter')
    await visitor.run(1).card.waitFor()
    expect(await focused(visitor)).toBe('message')
    await visitor.allow('all')
    await visitor.run(1).reaches('complete')
    await visitor.allow(150)
    const second = await visitor.ask(lisbon)
    await second.streams()
    await visitor.page.locator('main').evaluate((main) => main.scrollTo(0, 0))
    await visitor.page.getByRole('button', { name: /^Stop run “Plan .* from the dock/ }).focus()
    await visitor.page.keyboard.press('Enter')
    await second.reaches('cancelled')
    await expect.poll(() => focused(visitor)).toBe('message')
    await visitor.page.getByRole('button', { name: 'Latest' }).focus()
    await visitor.page.keyboard.press('Enter')
    await expect.poll(() => focused(visitor)).toBe('message')
  })

  test('stays in a group of settings, which is one stop for Tab', async () => {
    const visitor = await visit()
    await visitor.page.getByRole('button', { name: 'Settings' }).focus()
    for (const key of ['Enter', 'Tab', 'ArrowRight', 'ArrowRight']) await visitor.page.keyboard.press(key)
    expect(await visitor.page.getByLabel('Dark').isChecked()).toBe(true)
    await visitor.page.keyboard.press('Tab')
    await visitor.page.keyboard.press('Tab')
    expect(await visitor.page.evaluate(() => document.activeElement?.textContent)).toContain('Cut my connection')
    await visitor.page.keyboard.press('Escape')
    expect(await focused(visitor)).toBe('Settings')
  })
})

describe('connection', () => {
  test('S33 S34 S35 S36 a lost connection stops nothing, and the answer is there after it', async () => {
    const visitor = await visit({ allow: 40 })
    await visitor.prolongFaults()
    const run = await visitor.ask(lisbon)
    await run.streams()
    await visitor.press('Settings')
    await visitor.press(/Cut my connection/)
    await visitor.page.keyboard.press('Escape')
    await visitor.page.locator('[data-connection="reconnecting"]').waitFor()
    await visitor.page.getByText('Connection lost.', { exact: true }).waitFor()
    expect(await run.status()).toBe('streaming')
    await visitor.allow('all')
    await visitor.cause('network', 0)
    await visitor.page.locator('[data-connection="connected"]').waitFor()
    await run.reaches('complete')
    await run.reads(wordsFor(lisbon))
  })

  test('S35 S36 a reloaded page shows the same answers and their statuses', async () => {
    const session = newSession()
    const visitor = await visit({ session, allow: 40 })
    const [first, second] = [await visitor.ask(lisbon), await visitor.ask(porto)]
    await Promise.all([first.streams(), second.streams()])
    await first.stop()
    await first.reaches('cancelled')
    const stopped = await first.text()
    await visitor.page.reload()
    await visitor.allow('all')
    await second.reaches('complete')
    expect(await first.status()).toBe('cancelled')
    expect((await first.text()).startsWith(stopped)).toBe(true)
    await second.reads(wordsFor(porto))
  })
})

describe('text of a model', () => {
  test('is safe: only links and images of known kinds are active', async () => {
    const visitor = await visit()
    await visitor.page.evaluate(
      "import('/src/markdown/render.js').then(({ renderMarkdown }) => Object.assign(window, { renderMarkdown }))",
    )
    const html = await visitor.page.evaluate(() => {
      const { renderMarkdown } = window as unknown as { renderMarkdown: (source: string) => string }
      const sources = [
        '[a](javascript:alert(1)) [b](data:text/html,x) [c](vbscript:x) [d](/local) [e](file:///etc/passwd)',
        '[f](https://example.com) [g](mailto:me@example.com) [h](http://example.com)',
        '![i](javascript:alert(1)) ![j](data:image/svg+xml;base64,PHN2Zz4=) ![k](https://example.com/k.png)',
        '![l](data:image/png;base64,iVBORw0KGgo=) [m](data:image/png;base64,iVBORw0KGgo=)',
        '<img src=x onerror=alert(1)> <script>alert(1)</script> <a href="javascript:alert(1)">n</a>',
      ]
      const box = document.createElement('template')
      box.innerHTML = sources.map((source) => renderMarkdown(source)).join('')
      const all = (selector: string, name: string) =>
        [...box.content.querySelectorAll(selector)].map((element) => element.getAttribute(name))
      return { links: all('a[href]', 'href'), images: all('img[src]', 'src'), scripts: all('script', 'src') }
    })
    expect(html.links).toEqual([
      'https://example.com',
      'mailto:me@example.com',
      'http://example.com',
      'https://example.com/k.png',
    ])
    expect(html.images).toEqual(['data:image/png;base64,iVBORw0KGgo='])
    expect(html.scripts).toEqual([])
  })

  test('is rendered block by block: a token does not render the blocks before it', async () => {
    const visitor = await visit({ allow: 80 })
    const run = await visitor.ask(lisbon)
    await run.streams(40)
    await run.card.evaluate((card) => {
      const touched = new Set<Node>()
      Object.assign(window, { touched })
      const settled = [...card.querySelectorAll('.prose .block:not(.list), .prose .list li')].slice(0, -1)
      const watch = new MutationObserver((records) => {
        for (const { target } of records) if (settled.some((block) => block.contains(target))) touched.add(target)
      })
      watch.observe(card, { childList: true, characterData: true, subtree: true })
    })
    await visitor.allow('all')
    await run.reaches('complete')
    expect(await visitor.page.evaluate(() => (window as unknown as { touched: Set<Node> }).touched.size)).toBe(0)
  })
})
