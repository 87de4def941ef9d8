import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forLong, messagesOf } from '../../examples/visit'
import { startChromium } from '../../support/browser'
import { eventually } from '../../support/eventually'
import { NewApp } from './dev'

let app: NewApp
let browser: Browser
let page: Page
const problems: string[] = []
let loads = 0
/** Channels that the page has attached, in order. */
const attached: unknown[] = []

/** Printed at the first request to an agent that lets in each user. */
const noAuthorize =
  '[vue-ai-transport] defineAgentHandler() has no "authorize": the built app will refuse every prompt. Add authorize(event, sessionName) that checks who may use the session.'

const store = (label: string) => `import { acceptHMRUpdate } from 'pinia'
export const useTrip = defineSessionStore('trip', { name: 'trip', setup: () => ({ label: computed(() => '${label}') }) })
if (import.meta.hot) import.meta.hot.accept(acceptHMRUpdate(useTrip, import.meta.hot))
`

beforeAll(async () => {
  app = new NewApp()
  // NOTE: from the start, because a new folder restarts Nuxt
  app.write('app/stores/trip.ts', store('Label 0'))
  app.edit('nuxt.config.ts', 'compatibilityDate', 'devtools: { enabled: false },\n  compatibilityDate')
  browser = await startChromium()
  await app.start()
  page = await browser.newPage()
  page.on('load', () => loads++)
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      const { action, channel } = JSON.parse(String(payload)) as { action?: unknown; channel?: string }
      if (action === 10) attached.push(channel)
    }),
  )
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  await page.goto(app.origin)
})
afterAll(async () => {
  await browser?.close()
  await app?.stop()
})

const ask = async (prompt: string) => {
  await page.getByLabel('Message').fill(prompt)
  await page.getByLabel('Message').press('Enter')
}
/** The Stop of the answer that repeats a prompt. */
const stopOf = (prompt: string) =>
  page
    .locator('article')
    .filter({ hasText: `You said: "${prompt}` })
    .getByRole('button', { name: 'Stop' })
/** Saves a file again until the page shows these words, since the dev server can miss a change while it builds. */
const savedUntil = (file: string, words: string) =>
  eventually(async () => {
    app.edit(file, '', '')
    await page.getByText(words).waitFor({ timeout: 10_000 })
  })
const text = async () => page.locator('body').innerText()

// NOTE: a request that is open while the server restarts gets no answer, so it is sent again
const soon = () => AbortSignal.timeout(10_000)

it('the files of the guide give two streaming answers, each with its own Stop, and a cold start does not reload', async () => {
  await page.getByPlaceholder('Ask something ...').waitFor()
  await ask(`Where to?${forLong}`)
  await ask(`And by train?${forLong}`)
  await stopOf('And by train?').waitFor()
  // The agent may start either run first, and the page shows them in the order of their starts
  for (const prompt of ['Where to?', 'And by train?']) {
    await eventually(async () => expect(await text()).toContain(`You said: "${prompt}`))
  }
  await stopOf('And by train?').click()
  await stopOf('And by train?').waitFor({ state: 'detached' })
  await stopOf('Where to?').click()
  await stopOf('Where to?').waitFor({ state: 'detached' })
  expect(loads).toBe(1)
  expect(problems).toEqual([])
  expect(app.printed).toMatch(/local Ably endpoint, for development only: http:\/\/127.0.0.1:\d+/)
  expect(app.printed).toContain('agent at /api/agent: server/api/agent.post.ts')
  expect(app.printed).toContain('token at /api/ably/token: for guests, in development only')
})

it('an edit of the page keeps the conversation and the connection', async () => {
  app.edit('app/app.vue', '<form', '<p>An edited page</p>\n  <form')
  await savedUntil('app/app.vue', 'An edited page')
  expect(await text()).toContain('You said: "Where to?')
  expect(loads).toBe(1)
})

it('prompts that are sent while the agent restarts are answered, or show that they were cut off', async () => {
  const model = (edit: number) => (edit === 0 ? 'demoModel()' : `demoModel({ script: () => 'Edit ${edit} answers.' })`)
  const edits = [1, 2, 3]
  for (const edit of edits) {
    await ask(`Before edit ${edit}`)
    app.edit('server/api/agent.post.ts', model(edit - 1), model(edit))
    for (const time of ['soon', 'later', 'last']) {
      await ask(`After edit ${edit}, ${time}`)
      await page.waitForTimeout(600)
    }
  }
  const prompts = edits.flatMap((edit) => [
    `Before edit ${edit}`,
    ...['soon', 'later', 'last'].map((time) => `After edit ${edit}, ${time}`),
  ])
  const allHaveEnded = async () => {
    const articles = await page.locator('article').allInnerTexts()
    for (const prompt of prompts) expect(articles.filter((each) => each.split('\n').includes(prompt))).toHaveLength(1)
    expect(await page.getByText('Waiting ...').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(0)
  }
  await eventually(allHaveEnded, 60_000).catch(() =>
    // NOTE: on a busy machine a server is killed before it has ended its runs; then a Stop ends them, or the next server
    // ends them with an error.
    eventually(async () => {
      const stop = page.getByRole('button', { name: 'Stop', exact: true }).first()
      // The run may have ended meanwhile
      if (await stop.isVisible()) await stop.click({ timeout: 10_000 }).catch(() => undefined)
      await allHaveEnded()
    }),
  )
  await ask('Once more?')
  await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'Edit 3 answers.' }).last().waitFor()
  expect(await text()).toContain('You said: "Where to?')
})

it('edits of a session store take effect, in the same conversation, with one subscription', async () => {
  app.edit(
    'app/app.vue',
    "const text = ref('')",
    "import { useTrip } from '~/stores/trip'\nconst trip = useTrip()\nconst text = ref('')",
  )
  app.edit(
    'app/app.vue',
    '<form',
    '<p>{{ trip.label }}, {{ trip.status }}, {{ trip.messages.length > 1 }}</p>\n  <form',
  )
  await savedUntil('app/app.vue', 'Label 0, ready, true')
  for (const count of [1, 2, 3, 4, 5]) {
    // NOTE: saved again if it has no effect, since the dev server can miss a change while it builds
    await eventually(async () => {
      app.write('app/stores/trip.ts', store(`Label ${count}`))
      await page.getByText(`Label ${count}, ready, true`).waitFor({ timeout: 10_000 })
    })
  }
  await ask('After the edits?')
  await page.getByText('After the edits?').first().waitFor()
  expect(await text()).toContain('You said: "Where to?')
  expect(attached).toEqual(['ai:trip'])
  expect(loads).toBe(1)
})

it('the terminal warns once about an agent that lets in each user', async () => {
  const body = JSON.stringify({ inputEventId: 'unknown', sessionName: 'ai:trip' })
  const headers = { 'content-type': 'application/json' }
  const wake = async () =>
    (await fetch(`${app.origin}/api/open-agent`, { method: 'POST', headers, body, signal: soon() })).status
  const handler = 'defineAgentHandler({ triggerTimeout: 1000, respond: async () => {} })'
  // NOTE: saved again if it has no effect, since the dev server can miss a change while it builds
  await eventually(async () => {
    app.write('server/api/open-agent.post.ts', `export default ${handler}`)
    await expect.poll(wake, { timeout: 20_000, interval: 200 }).toBe(404)
  })
  const warnings = () => app.printed.split(noAuthorize).length - 1
  await expect.poll(warnings).toBeGreaterThan(0)
  const before = warnings()
  for (let count = 0; count < 10; count++) await eventually(async () => expect(await wake()).toBe(404))
  // NOTE: the dev server can load the file once more, which warns anew
  expect(warnings() - before).toBeLessThan(5)
})

it('a token route that is added or edited takes the place of the one for guests', async () => {
  const route = (user: string) => `export default defineTokenHandler({ user: () => '${user}', authorize: () => true })`
  const userOf = async () => {
    const url = `${app.origin}/api/ably/token?capability=${encodeURIComponent('{"ai:trip":["*"]}')}`
    const [, claims] = (await (await fetch(url, { signal: soon() })).text()).split('.')
    return (JSON.parse(atob(claims!)) as Record<string, string>)['x-ably-clientId']
  }
  await expect.poll(userOf).toMatch(/^guest-/)
  for (const user of ['ada', 'grace']) {
    // NOTE: saved again if it has no effect, since the dev server can miss a change while it builds
    await eventually(async () => {
      app.write('server/api/ably/token.ts', route(user))
      await expect.poll(userOf, { timeout: 20_000, interval: 200 }).toBe(user)
    })
  }
})
