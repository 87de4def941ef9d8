import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as Ably from 'ably'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { joinWire, named, transportOf } from '../support/agent'
import { startChromium } from '../support/browser'
import { startEndpoint } from '../support/local'
import { checkTypes, vite } from './app'
import { forLong, openPage, start } from './visit'

const examples = inject('examples')
const secret = 'app.key:secret'

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

const open = (url: string) => openPage(browser, url)

describe('the Vite example', () => {
  const folder = join(examples, 'vite')

  it('type-checks', () => checkTypes(folder))

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

  it('type-check', () => checkTypes(folder))

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
