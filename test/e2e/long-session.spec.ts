import * as Ably from 'ably'
import type { Page } from 'playwright'
import { preview, type PreviewServer } from 'vite'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { here } from '../../scripts/entries'
import type { LocalAblyPlugin } from '../../src/local/vite'
import { newPage } from '../support/browser'
import { Events } from '../support/events'
import { Visitor } from './visit'

const turnCount = 2500
const steps = 40
const session = 'trip-long'

let server: PreviewServer

beforeAll(async () => {
  // NOTE: in this process, because only the server may publish as the agent
  server = await preview({
    configFile: here('playground/vite.config.ts'),
    logLevel: 'error',
    build: { outDir: inject('builtPlayground') },
    preview: { host: 'localhost', port: 0 },
  })
  await publishTurns()
})
afterAll(() => server?.close())

/** Publishes a conversation of turns that follow one another. */
async function publishTurns(): Promise<void> {
  const { endpoint } = server.config.plugins.find(
    ({ name }) => name === 'vue-ai-transport:local-ably',
  ) as LocalAblyPlugin
  const client = new Ably.Realtime({ ...endpoint.clientOptions(), logLevel: 0 })
  const events = new Events()
  let parent: string | undefined
  const turns = Array.from({ length: turnCount }, () => {
    const id = events.id()
    const run = events.run(id)
    const prompt = events.prompt({ id, parent })
    parent = run.reply
    return [prompt, events.start(run), events.text(run), events.end(run)]
  })
  const channel = client.channels.get(`ai:${session}`)
  for (let from = 0; from < turnCount; from += 25) {
    const messages = turns.slice(from, from + 25).flat()
    await channel.publish(messages.map(({ name, data, extras, clientId }) => ({ name, data, extras, clientId })))
  }
  client.close()
}

/** Opens the conversation. */
async function visit(): Promise<Visitor> {
  const url = server.resolvedUrls!.local[0]!.replace(/\/$/, '')
  const page = await newPage({ viewport: { width: 1000, height: 800 } })
  const visitor = new Visitor(page, session, `${url}/api/gates/gate-long`, undefined)
  await visitor.page.goto(`${url}/s/${session}?speed=400&gate=gate-long&profile`)
  await visitor.page.locator('[data-connection="connected"]').waitFor()
  return visitor
}

/** Shows earlier messages, and answers with how far that moved the messages that were shown. */
const showEarlier = (page: Page) =>
  page.evaluate(async () => {
    const cards = () => document.querySelectorAll('article').length
    const sections = [...document.querySelectorAll('.section')]
    const main = document.querySelector('main')!
    main.scrollTo(0, 0)
    const anchor = document.querySelector('article')!
    const [before, { top }] = [cards(), anchor.getBoundingClientRect()]
    document.querySelector<HTMLButtonElement>('.older')!.click()
    const frame = () => new Promise(requestAnimationFrame)
    while (cards() === before) await frame()
    await frame()
    await frame()
    return {
      added: cards() - before,
      moved: Math.abs(anchor.getBoundingClientRect().top - top),
      keptSections: sections.filter((section) => section.isConnected).length / sections.length,
    }
  })

/** Counts the renders of components from now on, by name. */
const countRenders = (page: Page) =>
  page.evaluate(() => {
    const counts: Record<string, number> = {}
    Object.assign(window, { counts })
    new PerformanceObserver((list) => {
      for (const { name } of list.getEntries()) {
        const component = /^<(\w+)>.* render$/.exec(name)?.[1]
        if (component) counts[component] = (counts[component] ?? 0) + 1
      }
    }).observe({ type: 'measure' })
  })

test('a session of 5,000 messages opens with its newest ones, scrolls back without a jump, and a token draws only its text', async () => {
  const visitor = await visit()
  const { page } = visitor
  await visitor.run(1).card.waitFor()
  // The newest 30 messages: 15 prompts with their answers
  expect(await visitor.cards.count()).toBe(15)

  for (let step = 1; step <= steps; step++) {
    const { added, moved, keptSections } = await showEarlier(page)
    expect(added).toBe(15)
    expect(moved).toBeLessThanOrEqual(2)
    expect(keptSections).toBe(1)
  }
  expect(await visitor.cards.count()).toBe(15 * (steps + 1))

  await visitor.press('Latest')
  await visitor.allow(30)
  const run = await visitor.ask('Plan three days in Lisbon')
  await run.streams(10)
  // NOTE: the button of the answer before changes once more, after the time of a double click
  await expect.poll(() => page.locator('article [aria-disabled=true]').count()).toBe(0)
  await countRenders(page)
  await visitor.allow(180)
  await run.streams(120)
  const counts = await page.evaluate(() => (window as unknown as { counts: Record<string, number> }).counts)
  const other = Object.keys(counts).filter(
    (name) =>
      !/^(MarkdownText|MarkdownChunk|MarkdownList|MarkdownItems|MarkdownItem|MarkdownBlock|RunMeter)$/.test(name),
  )
  expect(other).toEqual([])
  expect(counts.MarkdownText).toBeGreaterThan(0)
  await visitor.allow('all')
  await run.reaches('complete')
  expect(visitor.problems).toEqual([])
})
