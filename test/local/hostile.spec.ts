import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { openInbox, startEndpoint, type TestEndpoint } from '../support/local'
import { openSocket } from './raw-socket'

/** Whether the endpoint still serves other clients. */
async function isAlive(endpoint: TestEndpoint): Promise<boolean> {
  const channel = endpoint.client().channels.get('ai:alive')
  const inbox = await openInbox(channel)
  await channel.publish('n', 'x')
  return (await inbox.take(1)).length === 1
}

function deep(levels: number): unknown {
  let value: unknown = 0
  for (let i = 0; i < levels; i++) value = [value]
  return value
}

const message = (fields: object) => ({ action: 15, channel: 'ai:x', msgSerial: 0, messages: [fields] })

describe('malformed frames', () => {
  test.each(['', '{', 'null', '[]', '"a"', '{"action":"x"}', '{"action":-1}', '{"action":99}', '{"action":15}'])(
    'do no harm: %s',
    async (frame) => {
      const endpoint = await startEndpoint()
      const socket = await openSocket(endpoint)
      socket.send(frame)
      expect(await isAlive(endpoint)).toBe(true)
    },
  )

  test.each([
    { action: 10 },
    { action: 10, channel: 5, flags: 'all', params: [] },
    { action: 10, channel: 'ai:x', channelSerial: 'nonsense', params: { rewind: {}, modes: 'everything' } },
    { action: 12, channel: 'ai:x' },
    { action: 14, channel: 'ai:x', msgSerial: 0, presence: 'me' },
    { action: 15, channel: 'ai:x', msgSerial: 'zero', messages: [{}] },
    { action: 15, channel: 'ai:x', msgSerial: 0, messages: 'text' },
    { action: 17, auth: 'let me in' },
    { action: 17 },
  ])('do no harm: %j', async (frame) => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    socket.send(frame)
    expect(await isAlive(endpoint)).toBe(true)
  })

  test('in msgpack close the socket', async () => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    const binary = await openSocket(endpoint, { resume: 'x', format: 'json' })
    binary.send(new Uint8Array([0xc1, 0xff]))
    await binary.closed
    await socket.frame(4)
    expect(await isAlive(endpoint)).toBe(true)
  })

  test('that are too large close the socket', async () => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    socket.send(JSON.stringify(message({ data: 'x'.repeat(600_000) })))
    expect(await socket.closed).toBe(1009)
    expect(await isAlive(endpoint)).toBe(true)
  })
})

test('of random bytes do no harm, and cause no internal error', async () => {
  let seed = 1
  const pick = <T>(...from: T[]) => from[(seed = (seed * 48_271) % 2_147_483_647) % from.length]!
  const data = () => pick<unknown>('text', '', { a: 1 }, [1], 5, null, undefined, 'aGk=')
  const channel = () => pick('ai:a', 'ai:b', 'x', '', ':q', '[?rewind=1]ai:a', '__proto__')
  const endpoint = await startEndpoint({ limits: { maxMembers: 3, maxChannelMessages: 20, maxChannels: 3 } })
  const serials: (string | undefined)[] = [undefined, 'nonsense']
  const frame = (msgSerial: number) => ({
    action: pick<unknown>(0, 10, 10, 12, 14, 14, 15, 15, 15, 16, 99, -1, 'x'),
    channel: channel(),
    msgSerial: pick(msgSerial, msgSerial, 0),
    flags: pick(undefined, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 5),
    channelSerial: pick(...serials),
    params: pick<unknown>(undefined, { rewind: pick<unknown>('1', '15s', 'x', 3) }, { modes: 'publish,presence' }, 5),
    messages: pick<unknown>(undefined, [{ data: data() }], [{ id: 'y:0', data: data() }, { id: 'y:1' }], [null], 'x', [
      { action: pick(1, 2, 5, 9), serial: pick(...serials), data: data(), version: { metadata: {} } },
    ]),
    presence: pick<unknown>(undefined, [
      { action: pick(1, 2, 3, 4, 9), clientId: pick('a', 'b', undefined), data: data() },
    ]),
  })
  for (let i = 0; i < 100; i++) {
    const socket = await openSocket(endpoint, { appendRollupWindow: pick('0', '10') })
    for (let msgSerial = 0; msgSerial < 50; msgSerial++) socket.send(frame(msgSerial))
    socket.send({ action: 7 })
    await socket.closed
    const errors = socket.frames.flatMap(({ error }) => (error as { code: number; message: string } | undefined) ?? [])
    expect(errors.filter(({ code }) => code === 50_000)).toEqual([])
    const given = socket.frames.flatMap(({ res }) => (res as { serials?: string[] }[] | undefined) ?? [])
    serials.push(...given.flatMap((each) => each.serials ?? []).slice(-5))
  }
  expect(await isAlive(endpoint)).toBe(true)
})

describe('invalid messages', () => {
  test.each([
    [null, 40_000],
    [{ data: 5 }, 40_013],
    [{ data: 'x', extras: deep(1_000) }, 40_000],
    [{ action: 1, serial: 'x', data: 'y' }, 40_400],
    [{ action: 5, data: 'y' }, 40_003],
    [{ action: 77 }, 40_000],
    [{ action: 5, serial: 'x', version: { metadata: deep(100) } }, 40_000],
  ])('are refused with the connection intact: %#', async (fields, code) => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    socket.send(message(fields as object))
    expect(await socket.frame(2)).toMatchObject({ msgSerial: 0, count: 1, error: { code } })
    socket.send({ ...message({ data: 'fine' }), msgSerial: 1 })
    expect(await socket.frame(1)).toMatchObject({ msgSerial: 1, count: 1, res: [{ serials: [expect.any(String)] }] })
  })

  test('with unusual names keep them unchanged', async () => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    const text = '{"headers":{"__proto__":"x"}}'
    socket.send(
      `{"action":15,"channel":"__proto__","msgSerial":0,"messages":[{"name":"constructor","extras":${text}}]}`,
    )
    await socket.frame(1)
    const page = await endpoint
      .rest({}, { useBinaryProtocol: false })
      .request('get', '/channels/__proto__/messages', 2, {}, {}, {})
    expect(page.items).toMatchObject([{ name: 'constructor' }])
    expect(JSON.stringify((page.items[0] as { extras: unknown }).extras)).toBe(text)
  })

  test.each([
    [[{ action: 2, clientId: 'bob' }], 91_001, false],
    [['me'], 40_000, true],
    [[{ action: 9, clientId: 'bob' }], 40_000, true],
    [[{ action: 2, clientId: 'bob', data: 5 }], 40_013, true],
    [[{ action: 2 }], 40_012, true],
    [[{ action: 2, clientId: 'bob', data: 'x'.repeat(70_000) }], 40_009, true],
  ])('of presence are refused with the connection intact: %#', async (presence, code, isAttached) => {
    const socket = await openSocket(await startEndpoint())
    if (isAttached) socket.send({ action: 10, channel: 'ai:x' })
    socket.send({ action: 14, channel: 'ai:x', msgSerial: 0, presence })
    expect(await socket.frame(2)).toMatchObject({ msgSerial: 0, count: 1, error: { code } })
    socket.send({ action: 0, id: 'after' })
    expect(await socket.frame(0)).toMatchObject({ id: 'after' })
  })
})

const nested = '['.repeat(100_000) + ']'.repeat(100_000)

describe('invalid requests', () => {
  const get = async (endpoint: TestEndpoint, path: string, init: RequestInit = {}) => {
    const authorization = `Basic ${Buffer.from(endpoint.key).toString('base64')}`
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(endpoint.url + path, { ...init, headers })
    return { status: response.status, code: Number(response.headers.get('x-ably-errorcode')), response }
  }

  test.each([
    ['GET', '/nowhere', undefined, 404, 40_400],
    ['GET', '/channels/%E0%A4%A', undefined, 400, 40_000],
    ['DELETE', '/channels/ai:x/messages', undefined, 404, 40_400],
    ['POST', '/channels/ai:x/messages', '{', 400, 40_000],
    ['POST', '/channels/ai:x/messages', '5', 400, 40_000],
    ['PATCH', '/channels/ai:x/messages/x', '[]', 400, 40_000],
    ['POST', '/channels/ai:x/messages', 'x'.repeat(600_000), 413, 40_009],
    ['POST', '/channels/ai:x/messages', `{"data":${nested}}`, 400, 40_013],
    ['POST', '/channels/ai:x/messages', `{"id":"${'x'.repeat(3_000)}"}`, 400, 40_000],
    ['POST', '/messages', `{"channels":${nested},"messages":[]}`, 400, 40_000],
    ['GET', '/channels/ai:x/messages?limit=-1', undefined, 400, 40_000],
  ])('get an error: %s %s (%#)', async (method, path, body, status, code) => {
    const endpoint = await startEndpoint()
    const answer = await get(endpoint, path, { method, body })
    expect(answer).toMatchObject({ status, code })
    expect(answer.response.headers.get('content-type')).toBe('application/json')
    expect(await answer.response.json()).toMatchObject({ error: { code, statusCode: status } })
  })

  test('of the SDK for XHR polling are refused, without an error that would end its connection', async () => {
    const endpoint = await startEndpoint()
    const { status, code, response } = await get(endpoint, '/comet/connect')
    expect([status, code, await response.text()]).toEqual([501, 0, ''])
  })

  test('do not disturb others when they are cut off', async () => {
    const endpoint = await startEndpoint()
    const socket = connect(endpoint.port, '127.0.0.1')
    socket.write('POST /channels/x/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{')
    await once(socket, 'connect')
    socket.destroy()
    expect(await isAlive(endpoint)).toBe(true)
  })
})

describe('memory', () => {
  test('is not held by unused channels', async () => {
    const endpoint = await startEndpoint({ limits: { maxChannels: 5 } })
    const rest = endpoint.rest()
    for (let i = 0; i < 10; i++) await rest.channels.get(`ai:${i}`).publish('n', String(i))
    const sizes = Array.from(
      { length: 10 },
      async (_, i) => (await rest.channels.get(`ai:${i}`).history()).items.length,
    )
    expect(await Promise.all(sizes)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
  })

  test.each([
    ['extras', { extras: { headers: { k: 'x'.repeat(10_000) } } }],
    ['a name', { name: 'x'.repeat(10_000) }],
    ['data', { data: 'x'.repeat(10_000) }],
  ])('used by %s counts', async (_, message) => {
    const endpoint = await startEndpoint({ limits: { maxStoredBytes: 100_000 } })
    const channel = endpoint.rest().channels.get('ai:x')
    for (let i = 0; i < 20; i++) await channel.publish(message)
    expect((await channel.history()).items.length).toBeLessThan(12)
  })

  test('used by the metadata of changes counts', async () => {
    const endpoint = await startEndpoint({ limits: { maxStoredBytes: 100_000 } })
    const { channels } = endpoint.rest()
    await channels.get('ai:other').publish('n', 'x'.repeat(50_000))
    const { serials } = await channels.get('ai:x').publish('n', 'first')
    const metadata = { k: 'x'.repeat(10_000) }
    for (let i = 0; i < 8; i++) await channels.get('ai:x').updateMessage({ serial: serials[0]! }, { metadata })
    expect((await channels.get('ai:other').history()).items).toEqual([])
  })
})
