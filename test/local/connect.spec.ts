import { once } from 'node:events'
import { connect } from 'node:net'
import * as Ably from 'ably'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLocalEndpoint, DEV_KEY } from '../../src/local'
import { failure, formats, inState, nextState, startEndpoint } from '../support/local'
import { openSocket } from './raw-socket'

describe.each(formats)('connecting in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  test('gives each client an id and a key', async () => {
    const endpoint = await startEndpoint()
    const [a, b] = [endpoint.client({}, binary), endpoint.client({}, binary)]
    await Promise.all([inState(a, 'connected'), inState(b, 'connected')])
    expect(a.connection.id).toMatch(/^\w{10}$/)
    expect(a.connection.id).not.toBe(b.connection.id)
    expect(a.connection.key).toContain(a.connection.id)
  })

  test('answers a ping', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({}, binary)
    await inState(client, 'connected')
    expect(await client.connection.ping()).toBeGreaterThan(0)
  })

  test('returns the time', async () => {
    const now = 1_700_000_000_000
    const endpoint = await startEndpoint({ clock: { now: () => now } })
    expect(await endpoint.rest({}, binary).time()).toBe(now)
  })

  test('reports the limits', async () => {
    const endpoint = await startEndpoint({ limits: { maxMessageSize: 100 } })
    const channel = endpoint.client({}, binary).channels.get('ai:limits')
    await channel.attach()
    expect(await failure(channel.publish('n', 'x'.repeat(200)))).toMatchObject({ code: 40_009 })
  })
})

test('answers CLOSE with CLOSED and closes the socket', async () => {
  const socket = await openSocket(await startEndpoint())
  socket.send({ action: 7 })
  await socket.frame(8)
  expect(await socket.closed).toBe(1005)
})

test('echoes the id of a ping', async () => {
  const socket = await openSocket(await startEndpoint())
  socket.send({ action: 0 })
  socket.send({ action: 0, id: 'p1' })
  expect([await socket.frame(0), await socket.frame(0)]).toEqual([{ action: 0 }, { action: 0, id: 'p1' }])
})

describe('staying connected', () => {
  const impatient = { realtimeRequestTimeout: 4_000 }
  const limits = { maxIdleInterval: 200 }

  test.each([true, false])('sends heartbeats in silence (heartbeat frames: %s)', async (heartbeats) => {
    const endpoint = await startEndpoint({ limits })
    const client = endpoint.client({}, { ...impatient, transportParams: { heartbeats: String(heartbeats) } })
    await inState(client, 'connected')
    const lost = nextState(client, 'disconnected').then(() => 'lost')
    const fine = new Promise((resolve) => setTimeout(resolve, 5_000)).then(() => 'fine')
    expect(await Promise.race([lost, fine])).toBe('fine')
  })

  test('ends for a client that answers no pings, as a frozen process does not', async () => {
    const endpoint = await startEndpoint({ limits })
    const client = endpoint.client()
    await inState(client, 'connected')
    const url = `${endpoint.url.replace('http', 'ws')}/?v=6&format=json&key=${endpoint.key}`
    const frozen = new WebSocket(url, { autoPong: false })
    const [code] = (await once(frozen, 'close')) as [number]
    expect(code).toBe(1006)
    expect(client.connection.state).toBe('connected')
  })

  test('ends with a notice to clients when the endpoint closes', async () => {
    const endpoint = await createLocalEndpoint()
    const client = new Ably.Realtime({ ...endpoint.clientOptions(), logLevel: 0 })
    await inState(client, 'connected')
    const lost = nextState(client, 'disconnected')
    await endpoint.close()
    expect((await lost).reason).toMatchObject({ code: 80_003, statusCode: 503 })
    client.close()
  })
})

test('sets no limit to how long a connection may be idle, since a client that uses it again could find it closed', async () => {
  const { url } = await startEndpoint()
  expect((await fetch(`${url}/time`)).headers.get('keep-alive')).toBeNull()
})

test('ends even if a client does not respond', async () => {
  const endpoint = await createLocalEndpoint()
  const socket = connect(endpoint.port, '127.0.0.1')
  const handshake = [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
  ]
  socket.write(`GET /?key=${endpoint.key} HTTP/1.1\r\nHost: localhost\r\n${handshake.join('\r\n')}\r\n\r\n`)
  const [head] = (await once(socket, 'data')) as [Buffer]
  expect(head.toString()).toContain('101 Switching Protocols')
  const closed = once(socket, 'close')
  await endpoint.close()
  expect(await closed).toEqual([false])
})

describe('starting', () => {
  test('generates a new key each time', async () => {
    const [a, b] = [await startEndpoint(), await startEndpoint()]
    expect(a.key).toMatch(/^local\.\w+:\w{32}$/)
    expect(a.key).not.toBe(b.key)
  })

  test('uses the documented key on request', async () => {
    expect((await startEndpoint({ devKey: true })).key).toBe(DEV_KEY)
  })

  test('fails if the port is in use', async () => {
    const { port } = await startEndpoint()
    await expect(createLocalEndpoint({ port })).rejects.toThrow('EADDRINUSE')
  })

  test('binds to loopback and can be disposed', async () => {
    let url = ''
    {
      await using endpoint = await createLocalEndpoint()
      url = endpoint.url
      expect(url).toBe(`http://127.0.0.1:${endpoint.port}`)
      expect((await fetch(`${url}/time`)).status).toBe(200)
    }
    await expect(fetch(`${url}/time`)).rejects.toThrow('fetch failed')
  })
})
