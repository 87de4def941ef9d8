import { describe, expect, test } from 'vitest'
import { formats, startEndpoint } from '../support/local'

const keys = [
  'app.full:secret',
  { key: 'app.some:secret', capability: { a: ['publish', 'subscribe'], b: ['history'] } },
]

describe.each(formats)('batches in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }
  const scene = async () => {
    const endpoint = await startEndpoint({ keys })
    return { endpoint, some: endpoint.rest({}, { ...binary, key: 'app.some:secret' }) }
  }

  test('publish to each allowed channel', async () => {
    const { endpoint, some } = await scene()
    const spec = { channels: ['a', 'b', ''], messages: [{ data: '1' }, { data: '2' }] }
    const result = await some.batchPublish(spec)
    expect(result).toMatchObject({
      successCount: 1,
      failureCount: 2,
      results: [
        { channel: 'a', messageId: expect.stringContaining(':0'), serials: [expect.any(String), expect.any(String)] },
        { channel: 'b', error: { code: 40_160, statusCode: 401 } },
        { channel: '', error: { code: 40_010, statusCode: 400 } },
      ],
    })
    const { items } = await endpoint.rest({}, binary).channels.get('a').history()
    expect(items.map(({ data }) => data as unknown)).toEqual(['2', '1'])
  })

  test('return one result for each of several batches', async () => {
    const { some } = await scene()
    const one = { channels: ['a'], messages: [{ data: '1' }] }
    expect(await some.batchPublish([one, { ...one, channels: ['b'] }])).toMatchObject([
      { successCount: 1, failureCount: 0 },
      { successCount: 0, failureCount: 1 },
    ])
  })

  test('return a plain list to old clients', async () => {
    const { some } = await scene()
    const body = { channels: ['a', 'b'], messages: { data: '1' } }
    const { statusCode, items } = await some.request('post', '/messages', 2, {}, body, {})
    expect(statusCode).toBe(201)
    expect(items).toMatchObject([{ channel: 'a' }, { channel: 'b', error: { code: 40_160 } }])
  })

  test('list the members of each channel', async () => {
    const { endpoint, some } = await scene()
    await endpoint.client({}, binary).channels.get('a').presence.enterClient('bob', 'x')
    expect(await some.batchPresence(['a', 'b'])).toMatchObject({
      successCount: 1,
      failureCount: 1,
      results: [
        { channel: 'a', presence: [{ clientId: 'bob', data: 'x' }] },
        { channel: 'b', error: { code: 40_160 } },
      ],
    })
  })
})

describe.each(formats)('channels in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  test('in use are listed, by name or with their details', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({}, binary)
    await Promise.all(['ai:a', 'ai:b', 'x:c'].map((name) => client.channels.get(name).attach()))
    const rest = endpoint.rest({}, binary)
    await rest.channels.get('ai:unused').publish('n', 'x')
    const list = async (params: object) => await rest.request('get', '/channels', 6, params, null, {})
    const first = await list({ by: 'id', prefix: 'ai:', limit: 1 })
    expect([first.items, (await first.next())!.items]).toEqual([['ai:a'], ['ai:b']])
    expect((await list({ prefix: 'x' })).items).toMatchObject([{ channelId: 'x:c', status: { isActive: true } }])
  })

  test('report whether they are in use', async () => {
    const endpoint = await startEndpoint()
    const { status } = await endpoint.rest({}, binary).channels.get('ai:x').status()
    expect(status.isActive).toBe(false)
    await endpoint.client({}, binary).channels.get('ai:x').attach()
    const details = await endpoint.rest({}, binary).channels.get('ai:x').status()
    expect(details).toMatchObject({
      channelId: 'ai:x',
      status: { isActive: true, occupancy: { metrics: { connections: 1, subscribers: 1, publishers: 1 } } },
    })
  })
})

test('there are no statistics, and only authorized requests get this answer', async () => {
  const endpoint = await startEndpoint()
  expect((await endpoint.rest().stats()).items).toEqual([])
})
