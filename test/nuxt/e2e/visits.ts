import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { UIMessage } from 'ai'
import * as Ably from 'ably'
import type { Browser, BrowserContextOptions, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, inject, onTestFinished } from 'vitest'
import { here } from '../../../scripts/entries'
import { freePort } from '../../../scripts/free-port'
import { createClientSession, UIMessageCodec, type ClientSession } from '../../../src'
import { startChromium } from '../../support/browser'
import { eventually } from '../../support/eventually'

/** The words of the model's answer to a prompt. */
export const answerTo = (prompt: string): string => `You said: ${prompt}. ${'And so on. '.repeat(10)}That is all.`

export interface VisitOptions extends BrowserContextOptions {
  /** The signed-in user. @default nobody is signed in */
  user?: string
  path: string
  /** Scripts load when it resolves. @default at once */
  scripts?: Promise<void>
}

/** A page with what it has sent and printed. */
export class Visit {
  readonly problems: string[] = []
  /** Requests to the endpoint and to routes of the app. */
  readonly requests: string[] = []
  /** Channels attached and detached, in order. */
  readonly leases: string[] = []
  connections = 0

  constructor(
    readonly page: Page,
    origin: string,
  ) {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.problems.push(message.text())
    })
    page.on('pageerror', (error) => this.problems.push(error.stack ?? error.message))
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url())
      if (pathname.startsWith('/api/') || !request.url().startsWith(origin)) this.requests.push(pathname + search)
    })
    page.on('websocket', (socket) => {
      this.connections++
      socket.on('framesent', ({ payload }) => {
        const { action, channel } = JSON.parse(String(payload)) as { action: number; channel?: string }
        if (action === attach) this.leases.push(`+${channel}`)
        if (action === detach) this.leases.push(`-${channel}`)
      })
    })
  }

  /** How each message stands, with its text. */
  async messages(): Promise<string[]> {
    return this.page
      .locator('article')
      .evaluateAll((all) =>
        all.map((each) => `${each.getAttribute('data-state')}: ${each.querySelector('.words')?.textContent?.trim()}`),
      )
  }

  /** Requests of history that have been sent. */
  get history(): string[] {
    return this.requests.filter((url) => /^\/channels\/.*\/messages/.test(url))
  }
}

const attach = 10
const detach = 12

/** Starts the built example for a file of tests, with a browser. Any warning in a console fails the test in which it comes. */
export function useSite() {
  const site = inject('site')
  let server: ChildProcess
  let browser: Browser
  let origin = ''
  const visits: Visit[] = []

  beforeAll(async () => {
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    const env = {
      ...process.env,
      PORT: String(port),
      HOST: '127.0.0.1',
      NUXT_AI_TRANSPORT_KEY: site.key,
      NODE_ENV: undefined,
    }
    const main = join(site.root, '.output/server/index.mjs')
    server = spawn(process.execPath, ['--expose-gc', '--import', here('test/nuxt/e2e/patient.ts'), main], {
      cwd: site.root,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    browser = await startChromium()
    await eventually(async () => void (await fetch(`${origin}/api/user`)))
  })
  afterAll(async () => {
    await browser?.close()
    if (!server || server.exitCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  })
  afterEach(async () => {
    const open = visits.splice(0)
    await Promise.all(open.map(({ page }) => page.context().close()))
    const problems = open.flatMap((visit) => visit.problems)
    if (problems.length > 0) throw new Error(`the console says: ${problems.join('; ')}`)
  })

  const post = async (path: string, body: unknown, cookie = ''): Promise<Response> => {
    const headers = { 'content-type': 'application/json', cookie }
    return fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  return {
    site,
    get origin() {
      return origin
    },
    post,

    /** The cookie of a user. */
    async signIn(user: string): Promise<string> {
      const response = await post('/api/any-user', { user })
      return response.headers
        .getSetCookie()
        .map((each) => each.split(';')[0])
        .join('; ')
    },

    /** Lets answers behind a gate go on to a number of tokens. */
    async open(name: string, allowed: number): Promise<void> {
      await post('/api/gate', { name, allowed })
    },

    /** Opens a chat in this process, with the rights of its user in a browser. */
    async chat(user: string, id: string): Promise<ClientSession<UIMessage>> {
      const cookie = await this.signIn(user)
      const client = new Ably.Realtime({
        endpoint: '127.0.0.1',
        port: site.port,
        tls: false,
        disableConnectivityCheck: true,
        logLevel: 0,
        authUrl: `${origin}/api/ably/token`,
        authHeaders: { cookie },
        defaultTokenParams: { capability: JSON.stringify({ [`ai:${user}:${id}`]: ['*'] }) },
      })
      const session = createClientSession<UIMessage>({
        client,
        sessionName: `ai:${user}:${id}`,
        codec: UIMessageCodec,
        agent: { url: `${origin}/api/agent`, headers: { cookie } },
      })
      onTestFinished(async () => {
        await session.close()
        client.close()
      })
      await session.connect()
      return session
    },

    /** Opens a page on a device of its own. */
    async visit({ user, path, scripts, ...options }: VisitOptions): Promise<Visit> {
      const context = await browser.newContext(options)
      if (user !== undefined) await context.request.post(`${origin}/api/any-user`, { data: { user } })
      const visit = new Visit(await context.newPage(), origin)
      visits.push(visit)
      if (scripts) await context.route('**/*.js', (route) => scripts.then(() => route.continue()))
      await visit.page.goto(origin + path, { waitUntil: scripts ? 'commit' : 'load' })
      return visit
    },
  }
}
