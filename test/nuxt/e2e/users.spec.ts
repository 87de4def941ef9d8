import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { here } from '../../../scripts/entries'
import { filesOf, forLong, messagesOf } from '../../examples/visit'
import { startChromium } from '../../support/browser'
import { NewApp } from './dev'

const guide = readFileSync(here('docs/nuxt.md'), 'utf8')
const sectionOf = (heading: string): string => guide.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!
const archive = sectionOf('Conversations older than Ably keeps them')
const chats = sectionOf('A list of chats')

/** What a pattern finds in a text, in which it has to be. */
function found(text: string, pattern: RegExp): string {
  const [, match] = pattern.exec(text) ?? []
  if (match === undefined) throw new Error(`there is no ${String(pattern)} in:\n${text}`)
  return match
}
const style = /\n(<style>[^]*<\/style>\n)/

let app: NewApp
let browser: Browser
let page: Page
const problems: string[] = []

/** Does what the guide says for an archive and a list of chats. */
function addChats(): void {
  for (const [file, text] of [...filesOf(archive), ...filesOf(chats)]) app.write(file, text)
  app.edit('server/api/agent.post.ts', 'authorize: ownsSession,', 'authorize: ownsSession,\n  archive,')
  app.edit('nuxt.config.ts', '  modules', `  ${found(archive, /`(aiTransport: .*?)`/)},\n  modules`)
  const upper = found(chats, /keep the `<style>`:\n\n```vue\n([^]*?)```/)
  const rules = found(chats, /```css\n([^]*?)```/)
  const kept = found(app.read('app/app.vue'), style).replace('</style>', `${rules}</style>`)
  app.write('app/app.vue', `${upper}\n${kept}`)
}

beforeAll(async () => {
  app = new NewApp()
  app.edit('nuxt.config.ts', 'compatibilityDate', 'devtools: { enabled: false },\n  compatibilityDate')
  for (const [file, text] of filesOf(sectionOf('With users'))) app.write(file, text)
  browser = await startChromium()
  await app.start()
})
afterAll(async () => {
  await browser?.close()
  await app?.stop()
})
beforeEach(async () => {
  problems.length = 0
  page = await browser.newPage()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  await page.goto(app.origin)
  return () => page.close()
})

async function signIn(name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('header', { hasText: name }).waitFor()
}
async function signOut(): Promise<void> {
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Name').waitFor()
}
async function ask(prompt: string): Promise<void> {
  await page.getByPlaceholder('Ask something ...').fill(prompt)
  await page.keyboard.press('Enter')
  await messagesOf(page, 'assistant', 'complete')
    .filter({ hasText: `You said: "${prompt}"` })
    .waitFor()
}
const statusOf = async (path: string, user?: string): Promise<number> =>
  (await fetch(app.origin + path, { headers: user ? { cookie: `user=${user}` } : {} })).status

it('users sign in and out, and each of them has a conversation of their own', async () => {
  await page.waitForLoadState('networkidle')
  await signIn('alice')
  await ask('Where to?')
  await signOut()
  expect(await page.getByText('Where to?').count()).toBe(0)
  await signIn('bob')
  await ask('By train?')
  expect(await page.getByText('Where to?').count()).toBe(0)
  await signOut()
  await signIn('alice')
  await messagesOf(page, 'user', 'sent').filter({ hasText: 'Where to?' }).waitFor()
  expect(await page.getByText('By train?').count()).toBe(0)
  expect(await (await page.request.get(app.origin)).text()).toContain('Where to?')
  expect(problems).toEqual([])
})

it('the token route lets each user into their own sessions only', async () => {
  const token = (session: string) =>
    `/api/ably/token?capability=${encodeURIComponent(JSON.stringify({ [session]: ['*'] }))}`
  expect(await statusOf(token('ai:alice:trip'))).toBe(401)
  expect(await statusOf(token('ai:alice:trip'), 'alice')).toBe(200)
  expect(await statusOf(token('ai:bob:trip'), 'alice')).toBe(403)
})

it('an archive lists the chats of each user, beside the chat', async () => {
  await page.goto('about:blank')
  addChats()
  await app.restart()
  problems.length = 0
  await page.goto(app.origin)
  await page.waitForLoadState('networkidle')
  await signIn('alice')
  const list = page.getByRole('navigation', { name: 'Chats' })
  const start = () => page.getByRole('button', { name: 'New chat' }).click()
  await start()
  await ask('Where to?')
  await list.getByRole('link', { name: 'Where to?' }).waitFor()
  await start()
  await messagesOf(page, 'user', 'sent').waitFor({ state: 'detached' })
  await ask('By train?')
  await list.getByRole('link', { name: 'By train?' }).waitFor()
  await list.getByRole('link', { name: 'Where to?' }).click()
  await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'You said: "Where to?"' }).waitFor()
  expect(await page.getByText('You said: "By train?"').count()).toBe(0)
  // A chat is in the list while its first answer runs, also when the user has left it
  await start()
  await messagesOf(page, 'user', 'sent').waitFor({ state: 'detached' })
  await page.getByPlaceholder('Ask something ...').fill(`By bus?${forLong}`)
  await page.keyboard.press('Enter')
  await messagesOf(page, 'user', 'sent').waitFor()
  await list.getByRole('link', { name: 'Where to?' }).click()
  await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'You said: "Where to?"' }).waitFor()
  await list.getByRole('link', { name: 'By bus?' }).click()
  await messagesOf(page, 'user', 'sent').filter({ hasText: 'By bus?' }).waitFor()
  expect(await list.getByRole('link', { name: 'By bus?' }).count()).toBe(1)
  expect(await page.title()).toContain('By bus?')
  await signOut()
  await signIn('bob')
  await page.getByText('Start a new chat').waitFor()
  expect(await list.getByRole('link').count()).toBe(0)
  expect(problems).toEqual([])

  const route = (session: string) => `/api/archive?sessionName=${session}`
  expect(await statusOf(route('ai:alice:trip'), 'alice')).toBe(200)
  expect(await statusOf(route('ai:bob:trip'), 'alice')).toBe(403)
  expect(await statusOf(route('ai:alice:trip'))).toBe(403)
})
