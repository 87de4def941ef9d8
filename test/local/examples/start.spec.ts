import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Ably from 'ably'
import { expect, test } from 'vitest'
import { createLocalEndpoint, mountLocalEndpoint } from 'vue-ai-transport/local'

const file = join(await mkdtemp(join(tmpdir(), 'local-ably-')), 'channels.log')

test('an endpoint with all options', async () => {
  await using endpoint = await createLocalEndpoint({
    port: 0, // any free port
    keys: ['app.server:secret', { key: 'app.reader:secret', capability: { 'ai:*': ['subscribe', 'history'] } }],
    namespaces: { notes: { mutableMessages: true }, brief: { persisted: false } }, // besides `ai`
    limits: { maxInboundRate: 50, maxChannelRate: 50, maxMembers: 100, maxMessageSize: 65_536 },
    persist: file, // channels survive a restart
    origins: ['https://app.example'], // pages of these origins may connect too
  })
  const bob = new Ably.Realtime(endpoint.clientOptions({ clientId: 'bob', capability: { 'ai:trip': ['subscribe'] } }))
  await bob.channels.get('ai:trip').attach()
  expect(bob.channels.get('ai:trip').modes).toEqual(['subscribe', 'presence_subscribe'])
  bob.close()
})

test('a clock and ids of the test', async () => {
  let now = Date.UTC(2026, 0, 1)
  let count = 0
  await using endpoint = await createLocalEndpoint({
    clock: { now: () => now },
    ids: (length) => String(++count).padStart(length, '0'),
  })
  const rest = new Ably.Rest(endpoint.clientOptions())
  now += 60_000
  expect(await rest.time()).toBe(Date.UTC(2026, 0, 1, 0, 1))
})

test('an endpoint on your own server', async () => {
  const server = createServer((request, response) =>
    endpoint.middleware(request, response, () => response.end('the rest of your routes')),
  )
  const endpoint = mountLocalEndpoint(server)
  server.listen(0, '127.0.0.1')
  await endpoint.ready
  const client = new Ably.Rest(endpoint.clientOptions())
  expect((await client.channels.get('ai:trip').publish('word', 'hello')).serials).toHaveLength(1)
  endpoint.close()
  server.close()
})
