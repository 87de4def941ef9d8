import * as Ably from 'ably'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { SessionChannel } from '../../src/ably/session-channel'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

let count = 0

/** An attached channel that counts the requests for its history. */
async function attached(operations: string[]) {
  const name = `ai:read-back-${++count}`
  const capability = { [name]: operations }
  const authCallback: Ably.AuthOptions['authCallback'] = (_, done) =>
    done(null, endpoint.createToken({ clientId: 'alice', capability }))
  const client = endpoint.client({}, { key: undefined, authCallback })
  const channel = new SessionChannel(client, name, 'test')
  await channel.attach(() => undefined)
  return { channel, asked: vi.spyOn(client.channels.get(name), 'history') }
}

describe('a history', () => {
  it('that the token does not allow is requested once', async () => {
    const { channel, asked } = await attached(['subscribe'])
    await expect(channel.history(100)).rejects.toMatchObject({ code: 40160, message: /Grant subscribe/ })
    expect(asked).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['the service fails', 50_000, 500],
    ['a token has expired', 40_142, 401],
    ['the connection is lost', 80_003, 400],
    ['the rate limit is exceeded', 42_910, 429],
  ])('is requested again if %s', async (_, code, statusCode) => {
    const { channel, asked } = await attached(['subscribe', 'history'])
    asked.mockRejectedValueOnce(new Ably.ErrorInfo('not now', code, statusCode))
    expect((await channel.history(100)).items).toEqual([])
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['credentials are wrong', 40_101, 401],
    ['tokens cannot be renewed', 40_171, 401],
    ['the channel is unknown', 40_400, 404],
  ])('is not requested again if %s', async (_, code, statusCode) => {
    const { channel, asked } = await attached(['subscribe', 'history'])
    asked.mockRejectedValueOnce(new Ably.ErrorInfo('no', code, statusCode))
    await expect(channel.history(100)).rejects.toMatchObject({ code: 104011, cause: { code } })
    expect(asked).toHaveBeenCalledTimes(1)
  })
})
