import { createRequire } from 'node:module'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import connect from 'connect'
import express from 'express'
import { H3, serve as serveH3 } from 'h3v2'
import { Hono } from 'hono'
import { createServer as createViteServer } from 'vite'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { defineAgent, toNodeHandler, type Agent, type NodeHandler } from '../../src/agent'
import { joinWire, named, textChunks } from '../support/agent'
import { startEndpoint, type TestEndpoint } from '../support/local'

// NOTE: version 4 has no types here; the API that this test uses is the same in version 5
const express4 = createRequire(import.meta.url)('express4') as typeof express

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

/** Serves a request listener, and returns its address. */
async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return addressOf(server.address())
}

const addressOf = (address: unknown): string => `http://127.0.0.1:${(address as AddressInfo).port}/api/agent`

const servers: [string, (agent: Agent) => Promise<string>][] = [
  ['Node', (agent) => listen(toNodeHandler(agent))],
  ['Express 5', (agent) => listen(express().post('/api/agent', toNodeHandler(agent)))],
  ['Express 5 with express.json()', (agent) => listen(express().use(express.json()).use('/api/agent', toNodeHandler(agent)))],
  ['Express 4', (agent) => listen(express4().post('/api/agent', toNodeHandler(agent)))],
  ['Express 4 with express.json()', (agent) => listen(express4().use(express4.json()).post('/api/agent', toNodeHandler(agent)))],
  ['Express 5 with express.raw()', (agent) => listen(express().use(express.raw({ type: '*/*' })).use('/api/agent', toNodeHandler(agent)))],
  ['Express 5 with express.text()', (agent) => listen(express().use(express.text({ type: '*/*' })).use('/api/agent', toNodeHandler(agent)))],
  ['Connect', (agent) => listen(connect().use('/api/agent', toNodeHandler(agent)))],
  [
    'Vite',
    async (agent) => {
      const vite = await createViteServer({ configFile: false, server: { port: 0, host: '127.0.0.1' }, optimizeDeps: { noDiscovery: true }, plugins: [{ name: 'agent', configureServer: ({ middlewares }) => void middlewares.use('/api/agent', toNodeHandler(agent)) }] })
      onTestFinished(() => vite.close())
      await vite.listen()
      return addressOf(vite.httpServer!.address())
    },
  ],
  [
    'Hono',
    async (agent) => {
      const app = new Hono().post('/api/agent', ({ req }) => agent.fetch(req.raw))
      return new Promise((resolve) => {
        const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address) => resolve(addressOf(address)))
        onTestFinished(() => void server.close())
      })
    },
  ],
  [
    'h3',
    async (agent) => {
      const app = new H3().post('/api/agent', (event) => agent.fetch(event.req))
      const server = serveH3(app, { port: 0, hostname: '127.0.0.1', silent: true })
      onTestFinished(() => server.close())
      await server.ready()
      return new URL('/api/agent', server.url).href
    },
  ],
] // prettier-ignore

let count = 0

/** An agent that answers "Hello". */
const anAgent = (): Agent => {
  const agent = defineAgent({
    client: () => endpoint.client({ clientId: 'agent' }),
    agents: 'agent',
    authorize: (request) => request.headers.get('cookie') === 'user=alice' && request.url.endsWith('/api/agent'),
    respond: (run) => run.pipe(textChunks(['Hello'])),
  })
  onTestFinished(() => agent.close())
  return agent
}

describe.each(servers)('an agent in %s', (_, start) => {
  it('answers a prompt, and refuses requests with its own messages', async () => {
    const url = await start(anAgent())
    const sessionName = `ai:server-${++count}`
    const alice = await joinWire(endpoint.client({ clientId: 'alice' }), sessionName)
    const { inputEventId } = await alice.prompt('Hi')
    const wake = (cookie: string) =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie },
        body: JSON.stringify({ inputEventId, sessionName }),
      })
    const refused = await wake('user=eve')
    expect([refused.status, await refused.json()]).toEqual([
      403,
      {
        error: {
          code: 40_300,
          statusCode: 403,
          message: 'unable to answer; not allowed: `authorize` did not return true for this session',
        },
      },
    ])
    const accepted = await wake('user=alice')
    expect(accepted.status).toBe(202)
    expect(accepted.headers.get('content-type')).toBe('application/json')
    const { runId } = (await accepted.json()) as { runId: string }
    await alice.hears(named('ai-run-end', { 'run-id': runId, 'run-reason': 'complete' }))
    expect(alice.heard.some(({ data }) => data === 'Hello')).toBe(true)
  })
})

describe('toNodeHandler', () => {
  const echo = toNodeHandler(async (request) => {
    const headers = new Headers({ 'x-url': request.url, 'x-tags': request.headers.get('x-tags') ?? '' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2; Path=/')
    return new Response(`${request.method} ${await request.text()}`, { status: 201, headers })
  })

  it('passes on method, URL, headers, body, status and cookies', async () => {
    const url = await listen(express().use('/api', echo))
    const response = await fetch(`${url}?q=1`, { method: 'PUT', body: 'words', headers: { 'x-tags': 'one, two' } })
    expect([response.status, await response.text()]).toEqual([201, 'PUT words'])
    expect(response.headers.get('x-url')).toBe(`${url}?q=1`)
    expect(response.headers.get('x-tags')).toBe('one, two')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2; Path=/'])
  })

  it('passes on requests without a body', async () => {
    const url = await listen(express().use(express.json(), echo))
    expect(await (await fetch(url)).text()).toBe('GET ')
    expect(await (await fetch(url, { method: 'POST' })).text()).toBe('POST ')
  })

  it('throws an error that names the fix if another handler has read the body and not kept it', async () => {
    const drain: RequestListener = (request) => void request.resume()
    const url = await listen((request, response) => {
      drain(request, response)
      request.on('end', () => echo(request, response))
    })
    const response = await fetch(url, { method: 'POST', body: 'words' })
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        error: {
          code: 40_000,
          statusCode: 400,
          message:
            'unable to read the request; another handler has read its body and not kept it. Place the agent before that handler, or use express.json()',
        },
      },
    ])
  })

  it('responds with 413 if a body is too large, and the connection stays usable', async () => {
    const url = await listen(toNodeHandler(anAgent()))
    const large = { method: 'POST', headers: { 'content-type': 'application/json' }, body: 'x'.repeat(1_000_000) }
    expect((await fetch(url, large)).status).toBe(413)
    expect((await fetch(url)).status).toBe(405)
  })

  it('responds no more after another handler has responded, and the process lives on', async () => {
    const rejected: unknown[] = []
    const note = (error: unknown): void => void rejected.push(error)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const answered = Promise.withResolvers<Response>()
    const handle = toNodeHandler(() => answered.promise)
    const url = await listen((request, response) => {
      handle(request, response)
      response.writeHead(503).end('too slow')
    })
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([503, 'too slow'])
    answered.resolve(new Response('late'))
    expect((await fetch(url)).status).toBe(503)
    expect(rejected).toEqual([])
  })

  it('responds with 500 if the body of a response breaks off', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) })
    const response = await fetch(await listen(toNodeHandler(() => Promise.resolve(new Response(broken)))))
    expect(response.status).toBe(500)
  })

  it('responds with 400 if the host is invalid, and with 500 if a handler throws', async () => {
    const statusOf = async (handler: NodeHandler, headers: Record<string, string>) => {
      let status = 0
      await new Promise<void>((resolve) => {
        const response = { statusCode: 200, setHeader: () => undefined, end: () => resolve(void (status = response.statusCode)) }
        handler({ method: 'GET', url: '/', headers, async *[Symbol.asyncIterator]() {} }, response)
      })
      return status
    } // prettier-ignore
    expect(await statusOf(echo, { host: 'not a host' })).toBe(400)
    expect(await statusOf(echo, { ':authority': 'example.com' })).toBe(201)
    expect(
      await statusOf(
        toNodeHandler(() => Promise.reject(new Error('no'))),
        {},
      ),
    ).toBe(500)
  })
})
