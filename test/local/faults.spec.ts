import { createHmac } from 'node:crypto'
import * as Ably from 'ably'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { failure, formats, inState, nextState, openInbox, startEndpoint, type TestEndpoint } from '../support/local'
import { dropSome, startHastyEndpoint } from './drops'
import { openDeafSocket, openSocket } from './raw-socket'

/** Two clients that exchange messages all the time, and report a disturbance. */
async function startTalk(endpoint: TestEndpoint) {
  const [speaker, listener] = [endpoint.client({ clientId: 'speaker' }), endpoint.client({ clientId: 'listener' })]
  const inbox = await openInbox(listener.channels.get('ai:talk'))
  await inState(speaker, 'connected')
  const disturbances: string[] = []
  for (const client of [speaker, listener]) client.connection.on(({ current }) => void disturbances.push(current))
  const over = new AbortController()
  const said = talk(speaker.channels.get('ai:talk'), over.signal)
  return async () => {
    over.abort()
    const count = await said
    const heard = await inbox.take(count)
    expect(heard.map(({ data }) => data as unknown)).toEqual(Array.from({ length: count }, (_, i) => String(i)))
    expect(disturbances).toEqual([])
  }
}

async function talk(channel: Ably.RealtimeChannel, over: AbortSignal): Promise<number> {
  let count = 0
  for (; !over.aborted; count++) {
    await channel.publish('n', String(count))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return count
}

const limits = { maxInboundRate: 500, maxBufferedBytes: 500_000 }
const secretOf = (endpoint: TestEndpoint) => endpoint.key.split(':')[1]!

describe('while other clients talk on,', () => {
  let endpoint: TestEndpoint
  let endTalk: () => Promise<void>
  beforeAll(async () => {
    endpoint = await startEndpoint({ limits }, { until: 'file' })
    endTalk = await startTalk(endpoint)
  })
  afterAll(() => endTalk())

  const refusal = async (options: Ably.ClientOptions) => {
    const { key: _, ...place } = endpoint.clientOptions()
    const client = new Ably.Realtime({ ...place, logLevel: 0, ...options })
    const { reason } = await nextState(client, 'failed')
    client.close()
    return [reason?.code, reason?.statusCode]
  }

  test('a wrong key is refused', async () => {
    expect(await refusal({ key: `${endpoint.key}x` })).toEqual([40_101, 401])
  })

  test('an expired token is refused', async () => {
    const { token } = endpoint.createToken({ clientId: 'bob', ttl: 1 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    const socket = await openSocket(endpoint, { key: '', access_token: token })
    expect(await socket.frame(9)).toMatchObject({ error: { code: 40_142, statusCode: 401 } })
    expect(await refusal({ token })).toEqual([40_171, 403])
  })

  test('a missing capability is refused, and the client stays connected', async () => {
    const client = endpoint.client({ clientId: 'bob', capability: { 'ai:mine': ['publish'] } })
    const denied = { code: 40_160, statusCode: 401 }
    expect(await failure(client.channels.get('ai:talk').attach())).toMatchObject(denied)
    expect(await failure(client.channels.get('ai:talk').publish('n', 'x'))).toMatchObject({ code: 90_001 })
    expect(await failure(client.channels.get('ai:other').publish('n', 'x'))).toMatchObject(denied)
    expect((await client.channels.get('ai:mine').publish('n', 'x')).serials).toHaveLength(1)
    client.close()
  })

  test('a forged clientId is refused, on the connection and on each message', async () => {
    const { token } = endpoint.createToken({ clientId: 'bob' })
    expect(await refusal({ token, clientId: 'speaker' })).toEqual([40_102, 401])
    const socket = await openSocket(endpoint, { key: '', access_token: token })
    socket.send({ action: 15, channel: 'ai:talk', msgSerial: 0, messages: [{ clientId: 'speaker', data: 'x' }] })
    expect(await socket.frame(2)).toMatchObject({ error: { code: 40_012, statusCode: 400 } })
    const [head, body] = [
      { alg: 'none', kid: endpoint.key.split(':')[0] },
      { iat: 1, exp: 9_999_999_999 },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const unsigned = await openSocket(endpoint, { key: '', access_token: `${head}.${body}.AAAA` })
    expect(await unsigned.frame(9)).toMatchObject({ error: { code: 40_144, statusCode: 401 } })
    const wrong = createHmac('sha256', `${secretOf(endpoint)}x`)
      .update(`${head}.${body}`)
      .digest('base64url')
    const forged = await openSocket(endpoint, { key: '', access_token: `${head}.${body}.${wrong}` })
    expect(await forged.frame(9)).toMatchObject({ error: { code: 40_144 } })
  })

  test('a malformed frame closes its socket', async () => {
    const socket = await openSocket(endpoint)
    socket.send('{"action":')
    expect(await socket.closed).toBe(1005)
  })

  test('a frame of 10 MB closes its socket', async () => {
    const socket = await openSocket(endpoint)
    socket.send(JSON.stringify({ action: 15, channel: 'ai:talk', msgSerial: 0, messages: [{ data: 'x'.repeat(1e7) }] }))
    expect(await socket.closed).toBe(1009)
    const body = JSON.stringify({ data: 'x'.repeat(1e7) })
    const headers = { authorization: `Basic ${btoa(endpoint.key)}`, 'content-type': 'application/json' }
    const answer = await fetch(`${endpoint.url}/channels/ai:talk/messages`, { method: 'POST', body, headers })
    expect([answer.status, answer.headers.get('x-ably-errorcode')]).toEqual([413, '40009'])
  })

  test('a flood is limited to the rate', async () => {
    const socket = await openSocket(endpoint)
    const messages = [{ data: 'flood' }]
    const start = performance.now()
    for (let msgSerial = 0; msgSerial < 5_000; msgSerial++) {
      socket.send({ action: 15, channel: 'ai:flood', msgSerial, messages })
    }
    const answers = () => socket.frames.filter(({ action }) => action === 1 || action === 2)
    await eventually(() => expect(answers()).toHaveLength(5_000))
    const refused = answers().filter(({ action }) => action === 2)
    const seconds = (performance.now() - start) / 1000
    // NOTE: the endpoint counts by whole seconds, of which the flood can touch one more than it takes
    expect(5_000 - refused.length).toBeLessThanOrEqual(500 * (Math.ceil(seconds) + 1))
    expect(refused[0]).toMatchObject({ error: { code: 42_911, statusCode: 429 } })
  })

  test('a client that never reads is disconnected', async () => {
    const deaf = await openDeafSocket(endpoint, 'ai:loud')
    const loud = endpoint.client()
    const { channels } = loud
    const connections = async () => (await endpoint.rest().channels.get('ai:loud').status()).status.occupancy.metrics
    expect(await connections()).toMatchObject({ connections: 1 })
    for (let i = 0; i < 400; i++) {
      await channels.get('ai:loud').publish('n', 'x'.repeat(60_000))
      if ((await connections()).connections === 0) break
    }
    expect(await connections()).toMatchObject({ connections: 0 })
    deaf.destroy()
    loud.close()
  })
})

describe.each(formats)('dropped connections in $format', ({ useBinaryProtocol }) => {
  const [runCount, readerCount, dropCount] = [20, 4, 200]

  test(`${dropCount} of them during ${runCount} runs lose and repeat nothing`, { timeout: 120_000 }, async () => {
    const endpoint = await startHastyEndpoint()
    const join = (clientId: string) => endpoint.client({ clientId }, { useBinaryProtocol })
    const readers = await Promise.all(Array.from({ length: readerCount }, (_, i) => startReading(join(`reader-${i}`))))
    const over = new AbortController()
    const runs = Array.from({ length: runCount }, (_, i) => stream(join(`agent-${i}`), i, over.signal))
    await dropSome(endpoint, { count: dropCount, among: runCount + readerCount })
    over.abort()
    const texts = await Promise.all(runs)

    const { items } = await endpoint.rest().channels.get('ai:runs').history({ limit: 100, direction: 'forwards' })
    expect(new Map(items.map(({ serial, data }) => [serial, data as unknown]))).toEqual(new Map(texts))
    for (const reader of readers) {
      await eventually(() => expect(reader.texts).toEqual(new Map(texts)), 20_000)
      expect(reader.created).toEqual([...new Set(reader.created)])
      expect(reader.gaps).toEqual([])
    }
  })
})

/** Writes one message token by token until it is stopped; returns its serial and its text. */
async function stream(client: Ably.Realtime, run: number, over: AbortSignal): Promise<[serial: string, text: string]> {
  const channel = client.channels.get('ai:runs')
  let text = `run ${run}:`
  const { serials } = await channel.publish('run', text)
  const serial = serials[0]!
  const pending: Promise<unknown>[] = []
  for (let i = 0; !over.aborted; i++) {
    const token = ` ${run}.${i}`
    text += token
    pending.push(channel.appendMessage({ serial, data: token }))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await Promise.all(pending)
  return [serial, text]
}

/** Reads the channel like any subscriber, and records whether a gap was reported. */
async function startReading(client: Ably.Realtime) {
  const channel = client.channels.get('ai:runs')
  const reader = { texts: new Map<string, string>(), created: [] as string[], gaps: [] as unknown[] }
  await channel.subscribe(({ action, serial = '', data }) => {
    const text = String(data)
    if (action === 'message.create') reader.created.push(serial)
    reader.texts.set(serial, action === 'message.append' ? reader.texts.get(serial) + text : text)
  })
  channel.on(['attached', 'update'], ({ resumed, reason }) => {
    if (!resumed) reader.gaps.push(reason)
  })
  return reader
}
