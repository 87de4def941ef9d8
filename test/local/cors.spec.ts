import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { openSocket } from './raw-socket'

const get = (endpoint: TestEndpoint, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${endpoint.url}${path}${path.includes('?') ? '&' : '?'}key=${endpoint.key}`, { method, headers })

describe('pages', () => {
  test.each(['http://localhost:5173', 'http://127.0.0.1:3000', 'https://[::1]:8443', 'https://app.example'])(
    'of %s are allowed',
    async (origin) => {
      const endpoint = await startEndpoint({ origins: ['https://app.example'] })
      const response = await get(endpoint, '/time', { origin })
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        vary: 'Origin',
      })
      expect(response.headers.get('access-control-expose-headers')).toContain('X-Ably-ErrorCode')
      const socket = await openSocket(endpoint, {}, { origin })
      expect(await socket.frame(4)).toBeDefined()
    },
  )

  test.each([
    'https://evil.example',
    'http://localhost.evil.example',
    'null',
    'http://127.0.0.1.evil.example',
    'nonsense',
  ])('of %s are refused', async (origin) => {
    const endpoint = await startEndpoint()
    const response = await get(endpoint, '/time', { origin })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null])
    await expect(openSocket(endpoint, {}, { origin })).rejects.toThrow('403')
  })

  test('of a foreign host name that resolves to this machine are refused, even if they send no origin', async () => {
    const endpoint = await startEndpoint()
    const host = `evil.example:${endpoint.port}`
    const authorization = `Basic ${btoa(endpoint.key)}`
    const asked = request(`${endpoint.url}/channels/ai:x/messages`, { headers: { host, authorization } }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.resume()
    expect([response.statusCode, response.headers['x-ably-errorcode']]).toEqual([403, '40300'])
    await expect(openSocket(endpoint, {}, { host })).rejects.toThrow('403')
  })

  test('can send a preflight request', async () => {
    const headers = { origin: 'http://localhost:1', 'access-control-request-headers': 'authorization,x-odd' }
    const response = await get(await startEndpoint(), '/channels/ai:x/messages/1', headers, 'OPTIONS')
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-methods')).toContain('PATCH')
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization,x-odd')
  })

  test('see errors', async () => {
    const response = await get(await startEndpoint(), '/nowhere', { origin: 'http://localhost:1' })
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:1')
    expect(response.headers.get('x-ably-errorcode')).toBe('40400')
  })

  test('get responses in an envelope on request', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.rest().channels.get('ai:x')
    await channel.publish([{ data: '1' }, { data: '2' }])
    const page = await get(endpoint, '/channels/ai%3Ax/messages?limit=1&envelope=json&rnd=123')
    expect(await page.json()).toMatchObject({
      statusCode: 200,
      response: [{ data: '2' }],
      headers: { link: expect.stringMatching(/<\.\/messages\?limit=1&cursor=[^,>]+>; rel="next"$/) },
    })
    const error = await get(endpoint, '/nowhere?envelope=json')
    expect(error.status).toBe(200)
    expect(await error.json()).toMatchObject({ statusCode: 404, response: { error: { code: 40_400 } } })
  })
})

test('links contain no credentials', async () => {
  const endpoint = await startEndpoint()
  await endpoint
    .rest()
    .channels.get('ai:x')
    .publish([{ data: '1' }, { data: '2' }])
  const response = await get(endpoint, '/channels/ai%3Ax/messages?limit=1')
  expect(response.headers.get('link')).not.toContain('key=')
})

test('the status of a channel has the number of its members', async () => {
  const endpoint = await startEndpoint()
  const { channelId: _, status: before } = (await (await get(endpoint, '/channels/ai%3Ax')).json()) as Status
  await endpoint
    .client()
    .channels.get('ai:x', { modes: ['SUBSCRIBE'] })
    .attach()
  const { status } = (await (await get(endpoint, '/channels/ai%3Ax')).json()) as Status
  expect([before.isActive, status.isActive]).toEqual([false, true])
  expect(status.occupancy.metrics).toMatchObject({ connections: 1, publishers: 0, subscribers: 1, presenceMembers: 0 })
})

interface Status {
  channelId: string
  status: { isActive: boolean; occupancy: { metrics: Record<string, number> } }
}
