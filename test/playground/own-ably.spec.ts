import { createServer } from 'vite'
import { expect, it, onTestFinished } from 'vitest'
import { ownAbly } from '../../playground/server/own-ably'

it('with an own Ably key, pages get tokens for their sessions and never the key', async () => {
  const key = 'app.key-id:the-secret'
  const plugin = ownAbly(key)
  const server = await createServer({
    configFile: false,
    root: import.meta.dirname,
    logLevel: 'error',
    plugins: [plugin],
    server: { port: 0 },
  })
  onTestFinished(() => server.close())
  await server.listen()
  const origin = server.resolvedUrls!.local[0]!

  const response = await fetch(`${origin}api/ably/token?clientId=heron-4f2`)
  const token = await response.text()
  const [, claims] = token.split('.')
  expect(JSON.parse(Buffer.from(claims!, 'base64url').toString())).toMatchObject({ 'x-ably-clientId': 'heron-4f2' })
  const module = await server.transformRequest('virtual:local-ably')
  expect(module!.code).toContain("authUrl: '/api/ably/token'")
  for (const text of [token, module!.code]) expect(text).not.toContain('the-secret')

  expect((await fetch(`${origin}api/ably/token`)).status).toBe(401)
  expect((await fetch(`${origin}api/ably/token?clientId=agent`)).ok).toBe(false)
  expect(plugin.agentOptions()).toEqual({ key, clientId: 'agent' })
})
