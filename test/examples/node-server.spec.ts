import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { here } from '../../scripts/entries'
import { freePort } from '../../scripts/free-port'
import { startChromium } from '../support/browser'
import { run } from '../support/command'
import { startEndpoint } from '../support/local'
import { checkTypes, edit, makeApp, readme, replaceIn, vite } from './app'
import { filesOf, messagesOf, openPage, start, stopOneOfTwo } from './visit'

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

const open = (url: string) => openPage(browser, url)

const secret = 'app.key:secret'

const page = readFileSync(here('docs/node-server.md'), 'utf8')
const guide = filesOf(page)

/** The files of the guide, with those of the README's app that it goes on from. */
const serverFiles: [string, string][] = [
  ['vite.config.ts', readme.get('vite.config.ts')!],
  ...[...guide].filter(([path]) => /^server|main\.ts$/.test(path)),
  ['src/App.vue', replaceIn(readme.get('src/App.vue')!, /^const .*useClientSession.*$/m, guide.get('src/App.vue')!)],
]

/** Sends both clients of the guide to a Node server to a local endpoint, with the options that the guide names. */
function sendToLocal(folder: string, port: number): void {
  const options = `endpoint: '127.0.0.1', port: ${port}, tls: false`
  edit(folder, 'src/main.ts', /(\/api\/ably\/token')/, `$1, ${options}`)
  edit(folder, 'server/agent.ts', /(clientId: 'agent')/, `$1, ${options}`)
}

describe('the app on a Node server', () => {
  let folder: string
  beforeAll(() => {
    folder = makeApp('node-server', serverFiles)
  })

  it('type-checks', () => checkTypes(folder))

  it('still works on the dev server', async () => {
    const visit = await open(await vite(folder))
    await stopOneOfTwo(visit)
    expect(visit.problems).toEqual([])
  })

  it('serves its pages, tokens and agent in production, for signed-in users only', async () => {
    const { key, port } = await startEndpoint()
    sendToLocal(folder, port)
    await run(folder, process.execPath, 'node_modules/vite/bin/vite.js', 'build')
    const env = { PORT: String(await freePort()), ABLY_API_KEY: key }
    const url = await start(folder, ['server/main.ts'], env, /Listening on (\S+)/)
    const visit = await openPage(browser, url, (page) => page.setExtraHTTPHeaders({ 'x-user': 'alice' }))
    await stopOneOfTwo(visit)
    expect(visit.problems).toEqual([])
    expect((await fetch(`${url}/api/ably/token`)).status).toBe(401)
    const body = JSON.stringify({ inputEventId: 'x', sessionName: 'ai:alice:trip' })
    const headers = { 'content-type': 'application/json', 'x-user': 'eve' }
    expect((await fetch(`${url}/api/agent`, { method: 'POST', headers, body })).status).toBe(403)
  })
})

describe('the sign-in with a cookie, of the page about a Node server', () => {
  it('signs a user in and out, and refuses a forged cookie', async () => {
    const section = page.split('## A sign-in with a cookie')[1]!.split('\n## ')[0]!
    const linesFor = (file: string) => {
      const [, lines] = new RegExp(`\`\`\`ts\n {3}// in ${file}\n([^]*?)\`\`\``).exec(section)!
      return lines!.replaceAll(/^ {3}/gm, '')
    }
    const [, route] = /`(\['\/api\/user'.*\])`/.exec(section)!
    const [, form] = /```html\n([^]*?)```/.exec(section)!
    const [, signOut] = /`(<button.*<\/button>)`/.exec(section)!
    const folder = makeApp('sign-in', serverFiles)
    edit(folder, 'server/agent.ts', /^export const userOf.*$/m, linesFor('server/agent.ts'))
    edit(folder, 'server/main.ts', /^const routes/m, `${linesFor('server/main.ts')}\n$&`)
    edit(folder, 'server/main.ts', /\['\/api\/user'.*\]/, route!)
    edit(folder, 'src/App.vue', /^const text/m, `${linesFor('src/App.vue')}\n$&`)
    edit(folder, 'src/App.vue', /<form (@submit[^]*?<\/form>)/, `${signOut}\n  <form v-if="user" $1\n  ${form}`)
    await checkTypes(folder)

    const { key, port } = await startEndpoint()
    sendToLocal(folder, port)
    await run(folder, process.execPath, 'node_modules/vite/bin/vite.js', 'build')
    const env = { PORT: String(await freePort()), ABLY_API_KEY: key, COOKIE_SECRET: 'a long random text' }
    const url = await start(folder, ['server/main.ts'], env, /Listening on (\S+)/)
    const { page: visit, problems, ask } = await open(url)
    const signIn = async (name: string) => {
      await visit.getByLabel('Name').fill(name)
      await visit.getByRole('button', { name: 'Sign in' }).click()
      await visit.getByPlaceholder('Ask something ...').waitFor()
    }
    await signIn('alice')
    await ask('Where to?')
    await messagesOf(visit, 'assistant', 'complete').filter({ hasText: 'You said: "Where to?"' }).waitFor()
    const [cookie] = await visit.context().cookies()
    expect(cookie).toMatchObject({ name: 'user', httpOnly: true, sameSite: 'Lax' })
    await visit.getByRole('button', { name: 'Sign out' }).click()
    await signIn('bob')
    expect(await visit.getByText('Where to?').count()).toBe(0)
    expect(problems).toEqual([])

    const tokenFor = async (value: string) =>
      (await fetch(`${url}/api/ably/token`, { headers: { cookie: `user=${value}` } })).status
    expect(await tokenFor(cookie!.value)).toBe(200)
    expect(await tokenFor(cookie!.value.replace('alice', 'bob'))).toBe(401)
    expect(await tokenFor('alice')).toBe(401)
    const body = JSON.stringify({ user: 'a:b' })
    expect((await fetch(`${url}/api/user`, { method: 'POST', body })).status).toBe(400)
  })
})

describe('the archive of the page about conversations', () => {
  it('shows a conversation that Ably no longer has', async () => {
    const conversations = readFileSync(here('docs/conversations.md'), 'utf8')
    const optionOf = (file: string) => new RegExp(`In \`${file}\`[^]*?\`(archive: .*?)\``).exec(conversations)![1]!
    const [, route] = /```ts\n {3}\/\/ in server\/main\.ts.*\n([^]*?)```/.exec(conversations)!
    const archive = filesOf(conversations).get('server/archive.ts')!
    const folder = makeApp('archive', [...serverFiles, ['server/archive.ts', archive]])
    edit(folder, 'server/agent.ts', /^import/m, "import { archive } from './archive.ts'\nimport")
    edit(folder, 'server/agent.ts', /agents: 'agent',/, `$&\n  ${optionOf('server/agent.ts')},`)
    edit(folder, 'server/main.ts', /^const files/m, `${route}\n$&`)
    edit(folder, 'src/main.ts', /agents: 'agent',/, `$&\n      ${optionOf('src/main.ts')},`)
    await checkTypes(folder)

    const keys = [secret]
    const { port, close } = await startEndpoint({ keys })
    const env = { PORT: String(await freePort()), ABLY_API_KEY: secret }
    sendToLocal(folder, port)
    await run(folder, process.execPath, 'node_modules/vite/bin/vite.js', 'build')
    const url = await start(folder, ['server/main.ts'], env, /Listening on (\S+)/)
    const asAlice = (opened: Page) => opened.setExtraHTTPHeaders({ 'x-user': 'alice' })
    const { page: first, ask } = await openPage(browser, url, asAlice)
    await ask('Where to?')
    await messagesOf(first, 'assistant', 'complete').waitFor()
    const rows = () => fetch(`${url}/api/archive?sessionName=ai:alice:trip`, { headers: { 'x-user': 'alice' } })
    await expect.poll(async () => (await rows()).text()).toContain('ai-run-end')
    expect((await fetch(`${url}/api/archive?sessionName=ai:alice:trip`)).status).toBe(403)
    await first.close()

    // An endpoint that knows nothing of the conversation takes the place of the first one
    await close()
    await startEndpoint({ keys, port })
    const { page: later, problems } = await openPage(browser, url, asAlice)
    await messagesOf(later, 'user', 'sent').filter({ hasText: 'Where to?' }).waitFor()
    await messagesOf(later, 'assistant', 'complete').filter({ hasText: 'You said: "Where to?"' }).waitFor()
    expect(problems).toEqual([])
  })
})
