import { effectScope } from 'vue'
import { afterEach, expect, it, vi } from 'vitest'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { createAITransport, ownerOnly, useClientSession, useView } from '../../src'
import { joinWire } from '../support/agent'
import { eventually } from '../support/eventually'
import { handAgent } from '../support/hand-agent'
import { startEndpoint } from '../support/local'

const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
afterEach(() => {
  warn.mockClear()
  vi.unstubAllEnvs()
})

type Options = Partial<Parameters<typeof createAITransport>[0]>

async function anApp(options: Options) {
  const endpoint = await startEndpoint()
  const app = createApp({ render: () => null })
  app.use(createPinia())
  app.use(createAITransport({ client: () => endpoint.client({ clientId: 'alice' }), linger: 0, ...options }))
  app.mount(document.createElement('div'))
  const use = (name: string) => app.runWithContext(() => effectScope().run(() => ({ ...useClientSession(name), ...useView() })))! // prettier-ignore
  return { endpoint, app, use }
}

it('the developer is warned once that without `agents` every publisher can publish replies', async () => {
  const { app, use } = await anApp({})
  await Promise.all([use('a').ready, use('b').ready])
  expect(warn).toHaveBeenCalledTimes(1)
  expect(warn.mock.calls[0]![0]).toContain('has no "agents"')
  app.unmount()
})

it('no warning is given in production', async () => {
  vi.stubEnv('NODE_ENV', 'production')
  const { app, use } = await anApp({})
  await use('a').ready
  expect(warn).not.toHaveBeenCalled()
  app.unmount()
})

it('agents and policy apply to every session', async () => {
  const { app, use, endpoint } = await anApp({ agents: 'agent', policy: ownerOnly })
  const { ready, send, runs, messages } = use('a')
  await ready
  const prompt = await send('Hello', { wake: false })
  const forged = await handAgent(endpoint.client({ clientId: 'mallory' }), 'ai:a').startRun('r1', prompt.inputId)
  await forged.say('m1', 'I owe you')
  const run = await handAgent(endpoint.client({ clientId: 'agent' }), 'ai:a').startRun('r2', prompt.inputId, '', { 'input-client-id': 'alice' }) // prettier-ignore
  await (await joinWire(endpoint.client({ clientId: 'mallory' }), 'ai:a')).cancel({ runId: run.runId })
  await run.say('m2', 'Hi')
  await eventually(() => expect(messages.value.map(({ id }) => id)).toEqual([prompt.inputId, 'm2']))
  expect(runs.value).toMatchObject([{ runId: 'r2', clientId: 'alice' }])
  expect(runs.value[0]!.cancelling).toBeUndefined()
  expect(warn.mock.calls).toEqual([[expect.stringContaining('Answers of client "mallory" are ignored')]])
  app.unmount()
})
