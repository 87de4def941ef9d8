import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mount } from '@vue/test-utils'
import * as Ably from 'ably'
import { createPinia, setActivePinia } from 'pinia'
import { createApp, defineComponent, effectScope, h, type App } from 'vue'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createAITransport,
  createClientSession,
  defineSessionStore,
  ownerOnly,
  UIMessageCodec,
  useBranch,
  useClientSession,
  useComposer,
  useConnection,
  useRun,
  useView,
  type AITransportOptions,
} from '../../src'
import { eventually } from '../support/eventually'
import { handAgent } from '../support/hand-agent'
import { failure, startEndpoint } from '../support/local'

const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
afterEach(() => {
  warn.mockClear()
  vi.unstubAllEnvs()
})

/** Everything that the console was told, without the prefix of this library. */
const told = () => warn.mock.calls.map(([text]) => String(text).replace(/^\[vue-ai-transport\] /, ''))

/** An app that uses sessions of a local endpoint. */
async function anApp(options: Partial<AITransportOptions> = {}, clientId: string | undefined = 'alice') {
  const endpoint = await startEndpoint()
  const app = createApp({ render: () => null })
  app.use(createPinia())
  const client = () => endpoint.client({ clientId })
  app.use(createAITransport({ client, agents: 'agent', agent: () => undefined, linger: 0, ...options }))
  app.mount(document.createElement('div'))
  onTestFinished(() => app.unmount())
  return { endpoint, app, use: (name: string) => useIn(app, () => ({ ...useClientSession(name), ...useView() })) }
}

/** An app whose client has no client id. */
async function anAnonymousApp() {
  const endpoint = await startEndpoint()
  return anApp({ client: () => endpoint.client(), policy: ownerOnly })
}

const useIn = <T>(app: App, use: () => T): T => app.runWithContext(() => effectScope().run(use))!

describe('while developing, the console says once', () => {
  it('that any client can answer where "agents" is missing', async () => {
    const { use } = await anApp({ agents: undefined })
    await Promise.all([use('a').ready, use('b').ready])
    expect(told()).toEqual([
      'createAITransport() has no "agents": any client that can publish on a channel can publish answers there. Set it to the client id of your agent.',
    ])
  })

  it('that the answers of a client are ignored, with its id', async () => {
    const { use, endpoint } = await anApp()
    const { ready, send } = use('ignored')
    await ready
    const { inputId } = await send('Hello')
    const bot = handAgent(endpoint.client({ clientId: 'bot' }), 'ai:ignored')
    const run = await bot.startRun('r', inputId)
    await run.say('m', 'Hi')
    await eventually(() => expect(told()).toEqual([
      'Answers of client "bot" are ignored, because "agents" does not name it. If it is your agent, set agents: \'bot\' in createAITransport() and in defineAgent().',
    ])) // prettier-ignore
  })

  it('that the answers of a client without an id are ignored', async () => {
    const { use, endpoint } = await anApp()
    const { ready, send } = use('anonymous')
    await ready
    const { inputId } = await send('Hello')
    await handAgent(endpoint.client(), 'ai:anonymous').startRun('r', inputId)
    await eventually(() => expect(told()).toEqual([
      "Answers of a client without a client id are ignored, because \"agents\" does not accept them. If it is your agent, give it one: new Ably.Realtime({ key, clientId: 'agent' }).",
    ])) // prettier-ignore
  })

  it.each([
    ['undefined', () => undefined, 'undefined', 'Pass client: () => new Ably.Realtime({ ... }), and return the client from the function.'],
    ['a promise', async () => ({}), 'a promise', 'Create it without await; the SDK requests tokens by itself: client: () => new Ably.Realtime({ authUrl }).'],
    ['a REST client', () => new Ably.Rest({ key: 'a.b:c' }), 'an Ably.Rest client', 'Pass client: () => new Ably.Realtime({ ... }), and return the client from the function.'],
    ['a key', () => 'a.b:c', 'a string', 'Pass client: () => new Ably.Realtime({ ... }), and return the client from the function.'],
  ])('that a client is %s', async (_, client, kind, fix) => {
    const { use } = await anApp({ client: client as never })
    const { ready, error } = use('trip')
    await expect(ready).rejects.toThrow('unable to connect; "client" is not an Ably.Realtime client')
    expect(error.value).toMatchObject({ code: 40003, message: 'unable to connect; "client" is not an Ably.Realtime client' })
    expect(told()[0]).toBe(`"client" is not an Ably.Realtime client: it is ${kind}. ${fix}`)
  }) // prettier-ignore

  it('that a session name is no string', async () => {
    const { use } = await anApp()
    await expect(use(['a', 'b'] as never).ready).rejects.toMatchObject({ code: 40003 })
    const reason = 'unable to open the session; its name must be a string, not ["a","b"]'
    expect(told()).toEqual([`A component has no session: ${reason}.`])
    const client = new Ably.Realtime({ key: 'a.b:c', autoConnect: false })
    const open = () => createClientSession({ client, sessionName: 7 as never, codec: UIMessageCodec })
    expect(open).toThrow('unable to open the session; its name must be a string, not 7')
  })

  it('that an id is no string', async () => {
    const { app } = await anApp()
    useIn(app, () => {
      useClientSession('trip')
      expect([useRun(7 as never).run.value, useRun(7 as never).run.value]).toEqual([undefined, undefined])
      expect(useBranch({} as never).count.value).toBe(0)
    })
    expect(told()).toEqual([
      'An id must be a string, but is a number: pass the id of a run or message.',
      'An id must be a string, but is an object: pass the id of a run or message.',
    ])
  })

  it('that a prompt wakes no agent, unless the app says that this is meant', async () => {
    const { use } = await anApp({ agent: undefined })
    const { ready, send } = use('trip')
    await ready
    await send('Hello', { wake: false })
    expect(told()).toEqual([])
    await send('Hello')
    await send('Hello?')
    expect(told()).toEqual([
      "A prompt was sent, but no agent is woken: createAITransport() has no \"agent\". Set it to your agent's URL, as in agent: '/api/agent'; if your app wakes the agent itself, send with { wake: false }.",
    ])
  })

  it('that a steer names an unknown run', async () => {
    const { use } = await anApp()
    const { ready, steer } = use('trip')
    await ready
    await expect(steer('r9', 'By train').published).rejects.toThrow('unable to steer the run; there is no run "r9"')
    await expect(steer(undefined as never, 'By train').outcome).rejects.toMatchObject({ code: 40003 })
    const fix =
      "which is not a run of this session: pass the runId of an active run, as in steer(run.runId, 'By train')."
    expect(told()).toEqual([`steer() was called for "r9", ${fix}`, `steer() was called for undefined, ${fix}`])
  })

  it('that "whenBusy" is misspelt', async () => {
    const { use } = await anApp()
    const { ready, send } = use('trip')
    await ready
    await send('One', { whenBusy: 'interupt' as never })
    await send('Two', { whenBusy: 'interrupt' })
    await send('Three', { whenBusy: 'alongside' })
    expect(told()).toEqual([
      '"whenBusy" is \'alongside\' or \'interrupt\', not "interupt": the prompt is sent alongside the active runs.',
    ])
  })

  it('that "whenBusy" of a composer is misspelt', async () => {
    const { app, use } = await anApp()
    const { ready, send } = use('trip')
    await ready
    await send('One')
    const composer = useIn(app, () => {
      useClientSession('trip')
      return useComposer({ whenBusy: () => 'later' as never })
    })
    composer.draft.value = 'Two'
    expect(await composer.send()).toHaveProperty('run')
    expect(told()).toEqual([
      "\"whenBusy\" of useComposer() is 'interrupt', 'alongside', 'steer', 'queue' or 'reject', not \"later\": the prompt is sent alongside the active runs.",
    ])
  })

  it('that a session store has no name', async () => {
    const { app } = await anApp()
    const useChat = defineSessionStore('chat')
    setActivePinia(app.config.globalProperties.$pinia)
    app.runWithContext(() => [useChat(), useChat()])
    expect(told()).toEqual([
      "The session store \"chat\" is used without a session name: set one with defineSessionStore('chat', { name: '...' }), or call it as useStore('...').",
    ])
  })

  it('that ownerOnly needs a client id', async () => {
    const { use } = await anAnonymousApp()
    await use('trip').ready
    await eventually(() => expect(told()).toEqual([
      'The policy is ownerOnly, but this client has no client id, so it can cancel and change nothing, not even its own runs. Issue tokens with a client id, or set clientId in the options of Ably.Realtime.',
    ])) // prettier-ignore
  })

  it('that the policy throws', async () => {
    const policy = () => {
      throw new Error('no user')
    }
    const { use, endpoint } = await anApp({ policy })
    const { ready, cancel, runs } = use('throws')
    await ready
    await handAgent(endpoint.client({ clientId: 'agent' }), 'ai:throws').startRun('r', 'p', '', {
      'input-client-id': 'bob',
    })
    await eventually(() => expect(runs.value).toHaveLength(1))
    await cancel('r')
    expect(told()).toContain(
      'The policy threw an error, so the action is refused: no user. Return true or false for each action, also without a client id or an owner.',
    )
  })

  it('that the policy refuses a cancel', async () => {
    const { use, endpoint } = await anApp({ policy: ownerOnly })
    const { ready, runs, cancel } = use('refused')
    await ready
    const agent = handAgent(endpoint.client({ clientId: 'agent' }), 'ai:refused')
    await agent.startRun('r', 'p', '', { 'input-client-id': 'bob' })
    await eventually(() => expect(runs.value).toHaveLength(1))
    await cancel('r')
    expect(told()).toEqual([
      'A cancel has no effect: the policy does not allow client "alice" to cancel what client "bob" owns. Hide the button for runs of other clients.',
    ])
  })

  it('nothing in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const { use, app } = await anApp({ agents: undefined, agent: undefined })
    const { ready, send } = use('quiet')
    await ready
    await send('Hello', { whenBusy: 'sometimes' as never })
    useIn(app, () => useRun(8 as never, { session: useClientSession('quiet').session }).run.value)
    expect(told()).toEqual([])
  })
})

describe('a mistake that stops an app', () => {
  it('is thrown for a missing client', () => {
    const install = () =>
      createApp({ render: () => null })
        .use(createPinia())
        .use(createAITransport({} as never))
    expect(install).toThrow(
      '[vue-ai-transport] createAITransport() has no "client": pass client: () => new Ably.Realtime({ authUrl: \'/api/ably/token\' }).',
    )
    vi.stubEnv('NODE_ENV', 'production')
    expect(install).toThrow('[vue-ai-transport] createAITransport() has no "client" (clientMissing)')
  })

  it.each([undefined, 7, new Event('click')])('rejects a cancel of %s', async (target) => {
    const { use } = await anApp()
    const { ready, cancel } = use('trip')
    await ready
    expect(await failure(cancel(target as never))).toMatchObject({
      code: 40003,
      message:
        'unable to cancel the run; it takes the id of a run, or { inputId } of a prompt, as in cancel(run.runId)',
    })
  })
})

describe('a token route that fails', () => {
  const answers = [
    { status: 404, type: 'text/html', body: '<h1>Not found</h1>', says: 'it answered 404' },
    { status: 500, type: 'application/json', body: '{"message":"Broken"}', says: "it answered 500: { message: 'Broken' }" },
    { status: 200, type: 'text/html', body: '<!doctype html>', says: 'authUrl responded with unacceptable Content-Type text/html. Expected one of: text/plain, application/jwt or application/json' },
    { status: 401, type: 'application/json', body: '{"error":{"code":40100,"statusCode":401,"message":"unable to issue a token; sign in first"}}', says: 'unable to issue a token; sign in first' },
  ] // prettier-ignore

  it.each(answers)('is named with its URL, and why: $status $type', async ({ status, type, body, says }) => {
    vi.stubEnv('NODE_ENV', 'production')
    const server = createServer((_, response) => {
      response.writeHead(status, { 'content-type': type })
      response.end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const authUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/ably/token`
    const { app, use } = await anApp({ client: () => new Ably.Realtime({ authUrl, logLevel: 0 }) })
    const { error } = use('trip')
    await eventually(() => expect(error.value).toMatchObject({ code: 80019 }))
    const message = `unable to connect; the token route ${authUrl} failed: ${says}. It must answer with an Ably token, as tokenRoute() does`
    expect(error.value!.message).toBe(message)
    expect(useIn(app, useConnection).reason.value!.message).toBe(message)
  })
})

it('a change of user without a reset is named, with the fix', async () => {
  const endpoint = await startEndpoint()
  const { key: _, ...options } = endpoint.clientOptions()
  let clientId = 'alice'
  const client = new Ably.Realtime({
    ...options,
    logLevel: 0,
    authCallback: (_params, done) =>
      void endpoint.rest().auth.createTokenRequest({ clientId }).then(done.bind(null, null)),
  })
  onTestFinished(() => client.close())
  const { use, app } = await anApp({ client })
  const { ready, error } = use('users')
  await ready
  clientId = 'bob'
  await client.auth.authorize().catch(() => undefined)
  await eventually(() => expect(error.value).toMatchObject({ code: 40102 }))
  const fix = /; .+\. A connection belongs to one user: call reset\(\) of createAITransport\(\) when the user changes$/
  expect(error.value!.message).toMatch(fix)
  expect(useIn(app, useConnection).reason.value!.message).toMatch(fix)
})

it('cancelAll and loadOlder work as handlers of clicks', async () => {
  const { endpoint, app } = await anApp()
  const agent = handAgent(endpoint.client({ clientId: 'agent' }), 'ai:clicks')
  const run = await agent.startRun('r', 'p')
  await run.say('m', 'Hi')
  const Page = defineComponent({
    setup() {
      useClientSession('clicks')
      const { runs, cancelAll, loadOlder } = useView()
      return () => [
        h('button', { id: 'stop', onClick: cancelAll }, runs.value.map(({ cancelling }) => (cancelling ? 'stopping' : 'running'))),
        h('button', { id: 'older', onClick: loadOlder }),
      ]
    },
  }) // prettier-ignore
  const errors: unknown[] = []
  app.config.errorHandler = (error) => errors.push(error)
  const pinia = app.config.globalProperties.$pinia
  const page = mount(Page, {
    global: { plugins: [pinia], config: { errorHandler: (error: unknown) => errors.push(error) } },
  })
  await eventually(() => expect(page.get('#stop').text()).toBe('running'))
  await page.get('#older').trigger('click')
  await page.get('#stop').trigger('click')
  await eventually(() => expect(page.get('#stop').text()).toBe('stopping'))
  expect(errors).toEqual([])
  page.unmount()
})
