import * as Ably from 'ably'
import { effectScope, ref } from 'vue'
import { expect, it } from 'vitest'
import { useClientSession, useConnection, useView } from '../../src'
import { bareApp } from '../support/app'
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
