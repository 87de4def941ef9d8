import * as Ably from 'ably'
import { createApp, effectScope, ref, watch } from 'vue'
import { expect, it } from 'vitest'
import { useClientSession, useConnection, useView } from '../../src'
import { aiPlugins, bareApp } from '../support/app'
import { eventually } from '../support/eventually'
import { startEndpoint } from '../support/local'

type Asked = Record<string, string[]>

/** An app whose token route grants the requested channels, as far as they are allowed. */
async function anApp(allowed: string[]) {
  const endpoint = await startEndpoint()
  const asked: string[][] = []
  const { endpoint: host, port, tlsPort, tls, transports } = endpoint.clientOptions()
  const authCallback: Ably.ClientOptions['authCallback'] = ({ capability = '{}' }, done) => {
    const wanted = (typeof capability === 'string' ? JSON.parse(capability) : capability) as Asked
    asked.push(Object.keys(wanted))
    const granted = Object.fromEntries(Object.entries(wanted).filter(([name]) => allowed.includes(name)))
    done(null, endpoint.createToken({ clientId: 'alice', capability: { 'ai:lobby': ['subscribe'], ...granted } }))
  }
  const options = { endpoint: host, port, tlsPort, tls, transports, disableConnectivityCheck: true, logLevel: 0 }
  const client = () => new Ably.Realtime({ ...options, authCallback })
  const app = bareApp({ client, tokenScope: 'sessions', linger: 0 })
  const use = (name: Parameters<typeof useClientSession>[0]) => {
    const scope = effectScope()
    const setup = () => ({ ...useClientSession(name), ...useView(), connection: useConnection() })
    const used = app.runWithContext(() => scope.run(setup))!
    return { ...used, stop: () => scope.stop() }
  }
  return { app, asked, use, allow: (name: string) => allowed.push(name) }
}

it('a new session requests a token for the channels in use, and no others, before it attaches', async () => {
  const { app, asked, use } = await anApp(['ai:a', 'ai:b', 'ai:c'])
  app.mount(document.createElement('div'))
  const a = use('a')
  const b = use('b')
  await Promise.all([a.ready, b.ready])
  expect(asked.at(-1)).toEqual(['ai:a', 'ai:b'])
  const { length } = asked
  const again = use('a')
  await again.ready
  expect(asked).toHaveLength(length)
  b.stop()
  const name = ref('c')
  const c = use(name)
  await c.ready
  expect(asked.at(-1)).toEqual(['ai:a', 'ai:c'])
  expect([a.status.value, c.status.value]).toEqual(['ready', 'ready'])
  expect(await a.send('Hello', { wake: false })).toMatchObject({ inputId: expect.any(String) as string })
  app.unmount()
})

it('a prompt sent before the token arrives is sent once the token covers its session', async () => {
  const { app, use } = await anApp(['ai:a'])
  app.mount(document.createElement('div'))
  const a = use('a')
  await a.send('Early', { wake: false })
  await eventually(() => expect(a.messages.value.map(({ state }) => state)).toEqual(['sent']))
  app.unmount()
})

it('a session that the token route does not grant reports the missing capability, and others work', async () => {
  const { app, use } = await anApp(['ai:a'])
  app.mount(document.createElement('div'))
  const a = use('a')
  await a.ready
  const secret = use('secret')
  await expect(secret.ready).rejects.toMatchObject({ code: 40160 })
  expect(secret.status.value).toBe('failed')
  expect(secret.error.value!.message).toContain('Grant subscribe, publish and history')
  expect(a.status.value).toBe('ready')
  app.unmount()
})

it('a session whose token was refused gets a new one on request', async () => {
  const { app, use, allow } = await anApp([])
  app.mount(document.createElement('div'))
  const late = use('late')
  await expect(late.ready).rejects.toMatchObject({ code: 40160 })
  allow('ai:late')
  late.connection.retry()
  await eventually(() => expect(late.status.value).toBe('ready'))
  app.unmount()
})

/** An app with a login: each token is for the user who is signed in when it is requested, and for that user's session. */
async function anAppWithLogin() {
  const endpoint = await startEndpoint()
  const { endpoint: host, port, tlsPort, tls, transports } = endpoint.clientOptions()
  const user = ref<string>()
  /** Token requests that wait; undefined while they are answered at once. */
  const held: { requests?: (() => void)[] } = {}
  const authCallback: Ably.ClientOptions['authCallback'] = (_, done) => {
    const capability = { [`ai:${user.value}:trip`]: ['*'] }
    const answer = () => done(null, endpoint.createToken({ clientId: user.value!, capability }))
    if (held.requests) held.requests.push(answer)
    else answer()
  }
  const options = { endpoint: host, port, tlsPort, tls, transports, disableConnectivityCheck: true, logLevel: 0 }
  /** The states of each client's connection so far. */
  const states: string[][] = []
  const client = () => {
    const made = new Ably.Realtime({ ...options, authCallback, autoConnect: false })
    const own: string[] = []
    states.push(own)
    made.connection.on(({ current }) => own.push(current))
    return made
  }
  const { plugins, transport } = aiPlugins({ client, tokenScope: 'sessions', linger: 0 })
  const app = createApp({ render: () => null })
  for (const plugin of plugins) app.use(plugin)
  app.mount(document.createElement('div'))
  const scope = effectScope()
  const use = <T>(setup: () => T): T => app.runWithContext(() => scope.run(setup))!
  const chat = () => useClientSession(() => user.value && `ai:${user.value}:trip`)
  const leave = () => {
    scope.stop()
    app.unmount()
  }
  return { transport, user, held, states, use, chat, leave }
}

it.each(['reset', 'unmounted'])('a token that arrives after the app was %s connects no client', async (ending) => {
  const { transport, user, held, states, use, chat, leave } = await anAppWithLogin()
  const { status } = use(chat)
  const requests: (() => void)[] = (held.requests = [])
  user.value = 'ada'
  await eventually(() => expect(requests).toHaveLength(1))
  held.requests = undefined
  if (ending === 'reset') await transport.reset()
  else leave()
  requests[0]!()
  await eventually(() => expect(states[0]!.slice(-3)).toEqual(['connecting', 'closing', 'closed']))
  expect(states[0]).not.toContain('connected')
  if (ending === 'unmounted') return
  await eventually(() => expect(status.value).toBe('ready'))
  expect(states).toHaveLength(2)
  leave()
})

it('each user of an app has one connection if the app resets the transport when the user changes', async () => {
  const { transport, user, states, use, chat, leave } = await anAppWithLogin()
  const { status, name } = use(() => {
    watch(user, () => transport.reset(), { flush: 'sync' })
    return chat()
  })
  for (const next of ['ada', 'grace', undefined, 'ada']) {
    user.value = next
    expect(name.value).toBe(next && `ai:${next}:trip`)
    await eventually(() => expect(status.value).toBe(next ? 'ready' : 'idle'))
  }
  expect(states.map((own) => own.filter((state) => state === 'connected'))).toEqual(
    ['ada', 'grace', 'ada'].map(() => ['connected']),
  )
  leave()
})
