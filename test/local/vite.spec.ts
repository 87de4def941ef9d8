import { createRequire } from 'node:module'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import * as Ably from 'ably'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createLogger, createServer, preview, type InlineConfig } from 'vite'
import { WebSocket } from 'ws'
import { mountLocalEndpoint } from '../../src/local'
import { localAbly, type LocalAblyOptions } from '../../src/local/vite'
import { inState, openInbox } from '../support/local'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** A dev server on a page of its own, with the plugin. */
async function devServer(options: LocalAblyOptions = {}, config: InlineConfig = {}) {
  const root = await mkdtemp(join(tmpdir(), 'local-ably-'))
  await writeFile(join(root, 'index.html'), '<!doctype html><title>page</title>')
  const ably = localAbly(options)
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    plugins: [ably],
    server: { port: 0, host: '127.0.0.1' },
    ...config,
  })
  await server.listen()
  cleanups.push(
    () => rm(root, { recursive: true }),
    () => server.close(),
  )
  const { port } = server.httpServer!.address() as AddressInfo
  return { server, ably, root, port, url: `http://127.0.0.1:${port}` }
}

/** The client options of the virtual module on a page at that address. */
async function browserOptions(code: string, url: string, clientId?: string): Promise<Ably.ClientOptions> {
  vi.stubGlobal('location', new URL(url))
  cleanups.push(() => vi.unstubAllGlobals())
  const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as {
    clientOptions(clientId?: string): Ably.ClientOptions
  }
  return module.clientOptions(clientId)
}

function connect(options: Ably.ClientOptions) {
  const client = new Ably.Realtime({ ...options, logLevel: 0 })
  cleanups.push(() => client.close())
  return client
}

const get = (url: string, headers: Record<string, string> = {}) => fetch(url, { headers })

describe('localAbly()', () => {
  test('serves the page, the endpoint and the token route on one port', async () => {
    const { server, ably, url } = await devServer()
    expect(await (await get(`${url}/`, { accept: 'text/html' })).text()).toContain('<title>page</title>')
    const { code } = (await server.transformRequest('virtual:local-ably'))!
    const agent = connect(ably.agentOptions())
    const browser = connect(await browserOptions(code, url, 'bob'))
    const inbox = await openInbox(browser.channels.get('ai:x'))
    const { serials } = await agent.channels.get('ai:x').publish('n', 'Hel')
    await agent.channels.get('ai:x').appendMessage({ serial: serials[0]!, data: 'lo' })
    const messages = await inbox.take(2)
    expect(messages.map(({ data, clientId }) => [data as unknown, clientId])).toEqual([
      ['Hel', 'agent'],
      ['lo', 'agent'],
    ])
    expect((await browser.channels.get('ai:x').history()).items[0]?.data).toBe('Hello')
    expect(browser.auth.clientId).toBe('bob')
  })

  test('leaves hot updates to Vite', async () => {
    const { server, url } = await devServer()
    const { webSocketToken } = server.config as unknown as { webSocketToken: string }
    const socket = new WebSocket(`${url.replace('http', 'ws')}/?token=${webSocketToken}`, 'vite-hmr')
    cleanups.push(() => socket.terminate())
    const [data] = (await once(socket, 'message')) as [Buffer]
    expect(JSON.parse(data.toString())).toEqual({ type: 'connected' })
  })

  test('refuses upgrades without a handler, so that no client waits for them', async () => {
    const { url } = await devServer({}, { server: { port: 0, host: '127.0.0.1', ws: false } })
    const socket = new WebSocket(`${url.replace('http', 'ws')}/`, 'vite-hmr')
    cleanups.push(() => socket.terminate())
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toContain('404')
  })

  test('leaves pages whose path looks like the endpoint to the app', async () => {
    const { url } = await devServer()
    const page = await get(`${url}/channels/trip`, { accept: 'text/html,*/*' })
    expect(await page.text()).toContain('<title>page</title>')
    expect((await get(`${url}/time`)).headers.get('x-ably-version')).toBe('6')
  })

  test('listens on the configured host and port', async () => {
    const { port } = (await occupyNone()) as { port: number }
    const { ably, url } = await devServer({}, { server: { port, strictPort: true, host: '127.0.0.1' } })
    await ably.endpoint.ready
    expect([url, ably.agentOptions().port]).toEqual([`http://127.0.0.1:${port}`, port])
  })

  test('has no address before the server listens', () => {
    expect(() => localAbly().agentOptions()).toThrow('await its "ready" first')
  })

  test('works on vite preview', async () => {
    const { root } = await devServer()
    const ably = localAbly()
    const config: InlineConfig = { root, build: { outDir: root }, configFile: false, logLevel: 'silent' }
    const server = await preview({ ...config, plugins: [ably], preview: { port: 0, host: '127.0.0.1' } })
    cleanups.push(() => server.close())
    const client = connect(ably.agentOptions())
    await inState(client, 'connected')
    expect(client.auth.clientId).toBe('agent')
  })
})

describe('the line in the terminal', () => {
  /** A logger that keeps the lines of its level `info`, without colours. */
  const aLogger = () => {
    const lines: string[] = []
    const info = (line: string) => void lines.push(stripVTControlCharacters(line))
    return { lines, customLogger: { ...createLogger('silent'), info } }
  }

  test.each([
    ['without an agent', {}, ''],
    ['with an agent', { agent: './server/agent.ts' }, '; agent at /api/agent: ./server/agent.ts'],
    [
      'with several agents',
      { agent: { '/api/chat': './chat.ts', '/api/scribe': './scribe.ts' } },
      '; agent at /api/chat: ./chat.ts, agent at /api/scribe: ./scribe.ts',
    ],
  ])('follows the addresses that Vite prints: %s', async (_, options, agents) => {
    const { lines, customLogger } = aLogger()
    const { server, url } = await devServer(options, { customLogger })
    expect(lines).toEqual([])
    server.printUrls()
    expect(lines).toEqual([
      expect.stringContaining(url),
      `  ➜  AI sessions: local Ably endpoint, for development only${agents}`,
    ])
  })

  test('is there in vite preview, too', async () => {
    const { root } = await devServer()
    const { lines, customLogger } = aLogger()
    const config: InlineConfig = { root, build: { outDir: root }, configFile: false, customLogger }
    const server = await preview({ ...config, plugins: [localAbly()], preview: { port: 0, host: '127.0.0.1' } })
    cleanups.push(() => server.close())
    server.printUrls()
    expect(lines.slice(1)).toEqual(['  ➜  AI sessions: local Ably endpoint, for development only'])
  })
})

describe('the token route', () => {
  test('gives a browser the least capability, for the client id that it names', async () => {
    const { url } = await devServer()
    const token = (await (await get(`${url}/api/ably/token?clientId=bob`)).json()) as Ably.TokenDetails
    expect(token.clientId).toBe('bob')
    expect(token.capability).toBe('{"ai:*":["history","presence","publish","subscribe"]}')
  })

  test('gives less on request, never more', async () => {
    const { url } = await devServer()
    const ask = async (capability: object) => {
      const response = await get(`${url}/api/ably/token?capability=${encodeURIComponent(JSON.stringify(capability))}`)
      return ((await response.json()) as { capability?: string }).capability
    }
    expect(await ask({ 'ai:trip': ['subscribe', 'message-update-any'] })).toBe('{"ai:trip":["subscribe"]}')
    expect(await ask({ '*': ['*'] })).toBe('{"ai:*":["history","presence","publish","subscribe"]}')
    expect(await ask({ chat: ['publish'] })).toBeUndefined()
  })

  test('recognizes a returning guest', async () => {
    const { url } = await devServer({ tokenPath: '/token' })
    const first = await get(`${url}/token`)
    const { clientId } = (await first.json()) as Ably.TokenDetails
    expect(clientId).toMatch(/^guest-\w{8}$/)
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!
    expect(await (await get(`${url}/token`, { cookie })).json()).toMatchObject({ clientId })
    expect(((await (await get(`${url}/token`)).json()) as Ably.TokenDetails).clientId).not.toBe(clientId)
  })

  test.each([
    ['the client id of the agent', 'clientId=agent', {}, 403],
    ['the client id *', 'clientId=*', {}, 400],
    ['an empty client id', 'clientId=', {}, 400],
    ['a client id with control characters', 'clientId=a%00b', {}, 400],
    ['a foreign page', 'clientId=bob', { origin: 'https://evil.example' }, 403],
    ['an image on a foreign page', 'clientId=bob', { 'sec-fetch-site': 'cross-site' }, 403],
  ])('refuses %s', async (_, query, headers, status) => {
    const { url } = await devServer()
    const response = await get(`${url}/api/ably/token?${query}`, headers)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { statusCode: status } })
  })

  test('refuses a foreign host name that resolves to this machine', async () => {
    const { port } = await devServer({}, { server: { port: 0, host: '127.0.0.1', allowedHosts: true } })
    const { request } = createRequire(import.meta.url)('node:http') as typeof import('node:http')
    const headers = { host: `evil.example:${port}` }
    const asked = request({ host: '127.0.0.1', port, path: '/api/ably/token', headers }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(403)
    response.resume()
  })

  test('accepts only GET requests', async () => {
    const { url } = await devServer()
    expect((await fetch(`${url}/api/ably/token`, { method: 'POST' })).status).toBe(405)
  })
})

describe('mountLocalEndpoint()', () => {
  test('shares a server that has its own paths', async () => {
    const server = createHttpServer((request, response) =>
      endpoint.middleware(request, response, () => response.end('mine')),
    )
    const endpoint = mountLocalEndpoint(server)
    server.listen(0, '127.0.0.1')
    await endpoint.ready
    cleanups.push(
      () => server.close(),
      () => endpoint.close(),
    )
    const { port } = server.address() as AddressInfo
    expect(await (await fetch(`http://127.0.0.1:${port}/other`)).text()).toBe('mine')
    const client = connect(endpoint.clientOptions({ clientId: 'bob' }))
    const inbox = await openInbox(client.channels.get('ai:x'))
    await client.channels.get('ai:x').publish('n', 'x')
    expect((await inbox.take(1))[0]?.clientId).toBe('bob')
  })
})

/** A port that was free a moment ago. */
async function occupyNone() {
  const server = createHttpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address
}

test('throws if Vite has no HTTP server, because it cannot accept connections', async () => {
  const warnings: string[] = []
  const customLogger = { ...createLogger('silent'), warn: (message: string) => void warnings.push(message) }
  const server = await createServer({
    configFile: false,
    customLogger,
    plugins: [localAbly()],
    server: { middlewareMode: true, ws: false },
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
  })
  cleanups.push(() => server.close())
  expect(warnings).toEqual([expect.stringContaining('npx vue-ai-transport local')])
})
