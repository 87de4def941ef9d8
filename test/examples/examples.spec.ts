import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as Ably from 'ably'
import type { Browser, Page, WebSocket } from 'playwright'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { here } from '../../scripts/entries'
import { freePort } from '../../scripts/free-port'
import { joinWire, named, transportOf } from '../support/agent'
import { startChromium } from '../support/browser'
import { run } from '../support/command'
import { eventually } from '../support/eventually'
import { startEndpoint } from '../support/local'
import { filesOf, forAWhile, forLong, messagesOf, openPage, start, stopOneOfTwo } from './visit'

const examples = inject('examples')

/** The action of Ably's protocol that attaches a channel. */
const attach = 10

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

const vite = (cwd: string, ...args: string[]) =>
  start(
    cwd,
    ['node_modules/vite/bin/vite.js', ...args, '--port', '0', '--host', '127.0.0.1'],
    {},
    /(http:\/\/127\.0\.0\.1:\d+)/,
  )

/** Replaces the text that a pattern matches, which has to be there. */
function replaceIn(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`there is no ${String(pattern)} in:\n${text}`)
  return text.replace(pattern, by)
}

/** The same in a file. */
const edit = (folder: string, path: string, pattern: RegExp, by: string): void =>
  writeFileSync(join(folder, path), replaceIn(readFileSync(join(folder, path), 'utf8'), pattern, by))

const open = (url: string) => openPage(browser, url)

/** Makes an app of files and of the packages that the Vite example has. */
function makeApp(name: string, files: Iterable<[path: string, text: string]>): string {
  const folder = join(examples, name)
  mkdirSync(folder)
  for (const file of ['index.html', 'package.json', 'tsconfig.json'])
    cpSync(join(examples, 'vite', file), join(folder, file))
  symlinkSync(join(examples, 'vite/node_modules'), join(folder, 'node_modules'))
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const secret = 'app.key:secret'

/** Sends both clients of the guide to a Node server to a local endpoint, with the options that the guide names. */
function sendToLocal(folder: string, port: number): void {
  const options = `endpoint: '127.0.0.1', port: ${port}, tls: false`
  edit(folder, 'src/main.ts', /(\/api\/ably\/token')/, `$1, ${options}`)
  edit(folder, 'server/agent.ts', /(clientId: 'agent')/, `$1, ${options}`)
}

const viteFiles = ['vite.config.ts', 'server/agent.ts', 'src/main.ts', 'src/App.vue']
const readme = filesOf(readFileSync(here('README.md'), 'utf8'))

describe("the README's Vite app", () => {
  let folder: string
  beforeAll(() => {
    folder = makeApp(
      'readme',
      viteFiles.map((path) => [path, readme.get(path)!]),
    )
  })

  it('type-checks', async () => {
    await run(folder, process.execPath, here('node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit')
  })

  it('streams two answers, and stops one of them', async () => {
    const visit = await open(await vite(folder))
    await stopOneOfTwo(visit)
    expect(visit.problems).toEqual([])
  })

  it('shows the error of a model in the place of the answer', async () => {
    const { page, problems, ask } = await open(await vite(folder))
    await page.getByPlaceholder('Ask something ...').waitFor()
    await ask('Please fail')
    await messagesOf(page, 'assistant', 'error').filter({ hasText: 'An error occurred.' }).waitFor()
    expect(await page.getByText('An error occurred.').count()).toBe(1)
    expect(problems).toEqual([])
  })

  it('keeps the newest words above its input in sight on a phone, unless the user scrolls up', async () => {
    const { page, ask } = await open(await vite(folder))
    await page.setViewportSize({ width: 320, height: 300 })
    const lines = page.locator('article p')
    const gap = () =>
      page.evaluate(() => {
        const [form, last] = ['form', 'article:last-of-type p'].map((all) => document.querySelector(all)!)
        const { top, bottom } = form!.getBoundingClientRect()
        return [Math.round(innerHeight - bottom), Math.sign(top - last!.getBoundingClientRect().bottom)]
      })
    await ask('One')
    await messagesOf(page, 'assistant', 'complete').waitFor()
    await ask(`Two${forAWhile}`)
    await messagesOf(page, 'assistant', 'active').filter({ hasText: 'You said: "Two' }).waitFor()
    await expect.poll(gap).toEqual([0, 1])
    expect(await page.evaluate(() => document.body.scrollHeight > innerHeight)).toBe(true)
    expect(await page.evaluate(() => document.body.scrollWidth)).toBe(320)
    await lines.first().scrollIntoViewIfNeeded()
    await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'You said: "Two' }).waitFor()
    expect((await lines.first().boundingBox())!.y).toBeGreaterThanOrEqual(0)
  })

  it('works the same after a build, in `vite preview`', async () => {
    await run(folder, process.execPath, 'node_modules/vite/bin/vite.js', 'build')
    const { page, problems, ask } = await open(await vite(folder, 'preview'))
    await ask('One')
    await messagesOf(page, 'assistant', 'complete').waitFor()
    expect(problems).toEqual([])
  })
})

it("the README's Vite app shows the error of an agent that writes nothing below the prompt", async () => {
  const folder = makeApp(
    'throws',
    viteFiles.map((path) => [path, readme.get(path)!]),
  )
  edit(folder, 'server/agent.ts', /const messages/, "throw new Error('no words today')\n    $&")
  const { page, problems, ask } = await open(await vite(folder))
  await ask('One')
  await messagesOf(page, 'user', 'error').filter({ hasText: 'no words today' }).waitFor()
  expect(await page.locator('article').count()).toBe(1)
  expect(problems).toEqual([])
})

it('five edits of the page and of the agent leave the page, its connection and its subscription alone', async () => {
  const files = viteFiles.map((path): [string, string] => [path, readme.get(path)!])
  const folder = makeApp('edits', files)
  const sent: { socket: WebSocket; action: unknown }[] = []
  let loads = 0
  const { page, problems, ask } = await openPage(browser, await vite(folder), async (opened) => {
    opened.on('load', () => loads++)
    opened.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        const { action } = JSON.parse(String(payload)) as { action?: unknown }
        if (action !== undefined) sent.push({ socket, action })
      }),
    )
  })
  await ask(`One${forAWhile}`)
  await messagesOf(page, 'assistant', 'active').waitFor()
  const change = async (path: string, pattern: RegExp, by: string, isSeen: () => Promise<void>) => {
    edit(folder, path, pattern, by)
    // NOTE: saved again if it has no effect, since the dev server can miss a change while it handles another
    const save = (cause: unknown) => {
      edit(folder, path, /$/, '')
      throw cause
    }
    await eventually(() => isSeen().catch(save))
  }
  for (let count = 1; count <= 5; count++) {
    const isShown = () => page.getByText(`Page ${count}`).waitFor({ timeout: 5000 })
    await change('src/App.vue', /<form/, `<p>Page ${count}</p>\n  <form`, isShown)
  }
  await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'You said: "One' }).waitFor()
  for (let count = 1; count <= 5; count++) {
    const answers = messagesOf(page, 'assistant', 'complete').filter({ hasText: `Agent ${count}` })
    await change('server/agent.ts', /demoModel\(.*?\),/, `demoModel({ script: () => 'Agent ${count}' }),`, async () => {
      await ask('Which one?')
      await answers.first().waitFor({ timeout: 5000 })
    })
  }
  expect(loads).toBe(1)
  expect(new Set(sent.map(({ socket }) => socket)).size).toBe(1)
  expect(sent.filter(({ action }) => action === attach)).toHaveLength(1)
  expect(problems).toEqual([])
})

describe('the tool that needs an approval, of the page about agents', () => {
  it('suspends the answer until a user approves the call', async () => {
    const guide = readFileSync(here('docs/agents.md'), 'utf8')
    const [, tools] = /```ts\nimport \{ jsonSchema, streamText, tool \} from 'ai'\n([^]*?)\nconst result/.exec(guide)!
    const [, buttons] = /```html\n<!-- in the template.*\n([^]*?)```/.exec(guide)!
    const files = viteFiles.map((path): [string, string] => [path, readme.get(path)!])
    const folder = makeApp('approval', files)
    const agent = 'server/agent.ts'
    edit(folder, agent, /^import \{ (.*) \} from 'ai'$/m, "import { $1, jsonSchema, tool } from 'ai'")
    edit(folder, agent, /^export default/m, `${tools}\nexport default`)
    edit(folder, agent, /messages, abortSignal/, 'messages, tools, toolApproval, abortSignal')
    const page = 'src/App.vue'
    edit(folder, page, /useView \}/, 'useView, UIMessageCodec }')
    edit(folder, page, /wake \} = useView/, 'wake, answer } = useView')
    edit(folder, page, /<\/article>/, `${buttons}</article>`)
    const visit = await open(await vite(folder))
    await visit.ask('Please book a hotel')
    await messagesOf(visit.page, 'assistant', 'suspended').waitFor()
    await visit.page.getByRole('button', { name: 'Approve' }).click()
    await messagesOf(visit.page, 'assistant', 'complete').filter({ hasText: 'Booked: ' }).waitFor()
    expect(visit.problems).toEqual([])
  })
})

describe('the app on a Node server', () => {
  const guide = filesOf(readFileSync(here('docs/node-server.md'), 'utf8'))
  const app = replaceIn(readme.get('src/App.vue')!, /^const .*useClientSession.*$/m, guide.get('src/App.vue')!)
  let folder: string
  beforeAll(() => {
    const files = [...guide].filter(([path]) => /^server|main\.ts$/.test(path))
    folder = makeApp('node-server', [['vite.config.ts', readme.get('vite.config.ts')!], ...files, ['src/App.vue', app]])
  })

  it('type-checks', async () => {
    await run(folder, process.execPath, here('node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit')
  })

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
    const page = readFileSync(here('docs/node-server.md'), 'utf8')
    const section = page.split('## A sign-in with a cookie')[1]!.split('\n## ')[0]!
    const linesFor = (file: string) => {
      const [, lines] = new RegExp(`\`\`\`ts\n {3}// in ${file}\n([^]*?)\`\`\``).exec(section)!
      return lines!.replaceAll(/^ {3}/gm, '')
    }
    const [, route] = /`(\['\/api\/user'.*\])`/.exec(section)!
    const [, form] = /```html\n([^]*?)```/.exec(section)!
    const [, signOut] = /`(<button.*<\/button>)`/.exec(section)!
    const guide = filesOf(page)
    const folder = makeApp('sign-in', [
      ['vite.config.ts', readme.get('vite.config.ts')!],
      ...[...guide].filter(([path]) => /^server|main\.ts$/.test(path)),
      [
        'src/App.vue',
        replaceIn(readme.get('src/App.vue')!, /^const .*useClientSession.*$/m, guide.get('src/App.vue')!),
      ],
    ])
    edit(folder, 'server/agent.ts', /^export const userOf.*$/m, linesFor('server/agent.ts'))
    edit(folder, 'server/main.ts', /^const routes/m, `${linesFor('server/main.ts')}\n$&`)
    edit(folder, 'server/main.ts', /\['\/api\/user'.*\]/, route!)
    edit(folder, 'src/App.vue', /^const text/m, `${linesFor('src/App.vue')}\n$&`)
    edit(folder, 'src/App.vue', /<form (@submit[^]*?<\/form>)/, `${signOut}\n  <form v-if="user" $1\n  ${form}`)
    await run(folder, process.execPath, here('node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit')

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
    const guide = filesOf(readFileSync(here('docs/node-server.md'), 'utf8'))
    const page = readFileSync(here('docs/conversations.md'), 'utf8')
    const optionOf = (file: string) => new RegExp(`In \`${file}\`[^]*?\`(archive: .*?)\``).exec(page)![1]!
    const [, route] = /```ts\n {3}\/\/ in server\/main\.ts.*\n([^]*?)```/.exec(page)!
    const folder = makeApp('archive', [
      ['vite.config.ts', readme.get('vite.config.ts')!],
      ...[...guide].filter(([path]) => /^server|main\.ts$/.test(path)),
      [
        'src/App.vue',
        replaceIn(readme.get('src/App.vue')!, /^const .*useClientSession.*$/m, guide.get('src/App.vue')!),
      ],
      ['server/archive.ts', filesOf(page).get('server/archive.ts')!],
    ])
    edit(folder, 'server/agent.ts', /^import/m, "import { archive } from './archive.ts'\nimport")
    edit(folder, 'server/agent.ts', /agents: 'agent',/, `$&\n  ${optionOf('server/agent.ts')},`)
    edit(folder, 'server/main.ts', /^const files/m, `${route}\n$&`)
    edit(folder, 'src/main.ts', /agents: 'agent',/, `$&\n      ${optionOf('src/main.ts')},`)
    await run(folder, process.execPath, here('node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit')

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

describe('the Vite example', () => {
  const folder = join(examples, 'vite')

  it('type-checks', async () => {
    await run(folder, process.execPath, here('node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit')
  })

  it('sends beside an answer, stops one, and sends in place of the rest', async () => {
    const { page, problems, ask } = await open(await vite(folder))
    await ask(`One${forLong}`)
    await page.locator('[data-state="streaming"]').waitFor()
    await ask(`Two${forLong}`)
    const stops = page.getByRole('button', { name: 'Stop', exact: true })
    await expect.poll(() => stops.count()).toBe(2)
    await stops.first().click()
    await page.locator('[data-state="cancelled"]').waitFor()
    await page.getByLabel('Message').fill('Three')
    await page.getByRole('button', { name: 'Stop and send' }).click()
    await expect.poll(() => page.locator('[data-state="cancelled"]').count()).toBe(2)
    await page.locator('[data-state="complete"]').waitFor()
    expect(problems).toEqual([])
  })
})

describe('the agents', () => {
  const folder = join(examples, 'agents')

  it('type-check', async () => {
    await run(folder, process.execPath, here('node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit')
  })

  const isDone = (runId: string) => named('ai-run-end', { 'run-id': runId })
  let port: number
  let aWire: (name: string) => ReturnType<typeof joinWire>
  beforeAll(async () => {
    const endpoint = await startEndpoint({ keys: [secret] }, { until: 'file' })
    ;({ port } = endpoint)
    aWire = (name) => joinWire(endpoint.client({ clientId: 'alice' }), name)
    process.env.ABLY_API_KEY = secret
    process.env.ABLY_PORT = String(port)
  })

  /** Has a prompt answered, and gets a token, through a server. */
  async function isServed(name: string, send: (path: string, init: RequestInit) => Promise<Response>): Promise<void> {
    const sessionName = `ai:alice:${name}`
    const wire = await aWire(sessionName)
    const { inputEventId } = await wire.prompt('Hi')
    const headers = { 'content-type': 'application/json', 'x-user': 'alice' }
    const body = JSON.stringify({ inputEventId, sessionName })
    const response = await send('/api/agent', { method: 'POST', headers, body })
    expect(response.status).toBe(202)
    const { runId } = (await response.json()) as { runId: string }
    expect(transportOf(await wire.hears(isDone(runId)))['run-reason']).toBe('complete')
    const eve = await send('/api/agent', { method: 'POST', headers: { ...headers, 'x-user': 'eve' }, body })
    expect(eve.status).toBe(403)
    const issued = await send('/api/ably/token', { headers: { 'x-user': 'alice' } })
    expect([issued.status, issued.headers.get('content-type')]).toEqual([200, 'application/jwt'])
    const client = new Ably.Realtime({
      token: await issued.text(),
      endpoint: '127.0.0.1',
      port,
      tls: false,
      logLevel: 0,
    })
    onTestFinished(() => client.close())
    await client.connection.whenState('connected')
    expect(client.auth.clientId).toBe('alice')
  }

  it.each(['node', 'express', 'hono'])('answer on %s', async (name) => {
    const env = { PORT: '0', ABLY_API_KEY: secret, ABLY_PORT: String(port) }
    const served = await start(folder, [`${name}.ts`], env, /port: (\d+)/)
    await isServed(name, (path, init) => fetch(`http://localhost:${served}${path}`, init))
  })

  it('answer as a serverless function', async () => {
    const url = pathToFileURL(join(folder, 'serverless.ts')).href
    const { default: handler } = (await import(/* @vite-ignore */ url)) as {
      default: { fetch(request: Request, env: unknown, context: object): Promise<Response> }
    }
    const kept: Promise<unknown>[] = []
    const context = { waitUntil: (promise: Promise<unknown>) => void kept.push(promise) }
    await isServed('serverless', async (path, init) =>
      handler.fetch(new Request(`http://host${path}`, init), {}, context),
    )
    expect(kept).toHaveLength(1)
  })
})
