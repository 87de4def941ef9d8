import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec, type ClientSession } from '../../src'
import { DeskServer } from '../providers/desk'
import { openaiChat } from '../providers/openai-chat'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { bundleWorker, startWorker } from './worker'

const secret = 'app.key:secret'
let endpoint: TestEndpoint
let desks: DeskServer
let bundle: string
beforeAll(async () => {
  endpoint = await startEndpoint({ keys: [secret] }, { until: 'file' })
  desks = await new DeskServer().start()
  bundle = await bundleWorker(join(inject('examples'), 'agents'), 'cloudflare.ts')
})
afterAll(() => desks.close())

const aWorker = (modelUrl: string) =>
  startWorker(bundle, 'UserAgent', {
    ABLY_API_KEY: secret,
    ABLY_PORT: String(endpoint.port),
    MODEL_URL: modelUrl,
    MODEL_KEY: 'key',
  })

/** A session of Alice, with a token of the Worker's route, whose prompts wake the Worker's agent. */
async function alice(worker: string): Promise<ClientSession<UIMessage>> {
  const headers = { 'x-user': 'alice' }
  const client = new Ably.Realtime({
    authUrl: `${worker}/api/ably/token`,
    authHeaders: headers,
    endpoint: '127.0.0.1',
    port: endpoint.port,
    tls: false,
    logLevel: 0,
  })
  const session = createClientSession({
    client,
    sessionName: 'ai:alice:trip',
    codec: UIMessageCodec,
    agents: 'agent',
    agent: { url: `${worker}/api/agent`, headers: () => headers },
  })
  onTestFinished(async () => {
    await session.close()
    client.close()
  })
  await session.connect()
  return session
}

const lastText = ({ view }: ClientSession<UIMessage>): unknown => view.snapshot().at(-1)?.parts.at(-1)

describe('a Worker in workerd', () => {
  it('is one script that imports nothing, and nothing of Node', () => {
    expect(readFileSync(join(bundle, 'main.js'), 'utf8')).not.toMatch(/^import\b|\bfrom ?["']node:/m)
  })

  it('answers a prompt, stops the next answer and its model, and answers again', async () => {
    const { desk, baseURL } = desks.open(openaiChat, {
      Hi: [{ moves: [{ say: 'Hello!' }], ending: 'end' }],
      'Tell me a story': [{ moves: [{ say: 'Once upon' }], ending: 'hold' }],
    })
    const session = await alice(await aWorker(baseURL))

    const first = await session.view.send('Hi')
    expect(await first.finished).toEqual({ reason: 'complete' })
    expect(lastText(session)).toEqual({ type: 'text', text: 'Hello!' })

    const story = await session.view.send('Tell me a story')
    await expect.poll(() => lastText(session)).toEqual({ type: 'text', text: 'Once upon' })
    expect(desk.isHolding).toBe(true)
    await story.cancel()
    expect(await story.finished).toEqual({ reason: 'cancelled' })
    await expect.poll(() => desk.isHolding).toBe(false)

    const second = await session.view.send('Hi')
    expect(await second.finished).toEqual({ reason: 'complete' })
    expect(desk.asked.at(-1)!.lines.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user'])
  })

  it('refuses the sessions of other users', async () => {
    const worker = await aWorker('http://127.0.0.1:9')
    const ask = (user: string) =>
      fetch(`${worker}/api/agent`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(user && { 'x-user': user }) },
        body: JSON.stringify({ inputEventId: 'e', sessionName: 'ai:alice:trip' }),
      })
    expect((await ask('eve')).status).toBe(403)
    expect((await ask('')).status).toBe(401)
    expect((await fetch(`${worker}/api/ably/token`)).status).toBe(401)
  })
})
