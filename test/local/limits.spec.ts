import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { failure, inState, nextState, openInbox, startEndpoint } from '../support/local'
import { openDeafSocket, openSocket } from './raw-socket'

describe('limits', () => {
  test('of publishes per second refuse only the excess', async () => {
    const endpoint = await startEndpoint({ limits: { maxInboundRate: 5 }, clock: { now: () => 1_700_000_000_000 } })
    const channel = endpoint.client().channels.get('ai:x')
    await channel.attach()
    const published = Array.from({ length: 7 }, (_, i) => channel.publish('n', String(i)))
    const results = await Promise.allSettled(published)
    expect(results.map(({ status }) => status)).toEqual([...Array<string>(5).fill('fulfilled'), 'rejected', 'rejected'])
    expect((results[6] as PromiseRejectedResult).reason).toMatchObject({ code: 42_911, statusCode: 429 })
    const other = endpoint.client().channels.get('ai:x')
    expect((await other.publish('n', 'x')).serials).toHaveLength(1)
  })

  test('of messages per second to one channel count all publishers, batches, appends and REST', async () => {
    let now = 1_700_000_000_000
    const endpoint = await startEndpoint({ limits: { maxChannelRate: 5 }, clock: { now: () => now } })
    const [alice, bob] = [endpoint.client(), endpoint.client()].map((client) => client.channels.get('ai:x'))
    const { serials } = await alice!.publish([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    await bob!.publish('d', '')
    await alice!.appendMessage({ serial: serials[0]!, data: 'more' })
    const tooMany = { code: 42_913, statusCode: 429 }
    expect(await failure(bob!.publish('e', ''))).toMatchObject(tooMany)
    expect(await failure(endpoint.rest().channels.get('ai:x').publish('f', ''))).toMatchObject(tooMany)
    expect(await failure(alice!.appendMessage({ serial: serials[0]!, data: 'more' }))).toMatchObject(tooMany)
    expect((await alice!.history()).items).toHaveLength(4)
    await endpoint.client().channels.get('ai:y').publish('elsewhere', '')
    now += 1000
    await bob!.publish('h', '')
  })

  test('of connections refuse the next one until there is room', async () => {
    const endpoint = await startEndpoint({ limits: { maxConnections: 1 } })
    const first = endpoint.client()
    await inState(first, 'connected')
    const second = endpoint.client()
    expect((await nextState(second, 'disconnected')).reason).toMatchObject({ code: 40_111, statusCode: 429 })
    first.close()
    await inState(second, 'connected')
  })

  test('of message sizes apply to the decoded data', async () => {
    const endpoint = await startEndpoint({ limits: { maxMessageSize: 10 } })
    const socket = await openSocket(endpoint)
    const publish = (data: string, msgSerial: number) =>
      socket.send({ action: 15, channel: 'ai:x', msgSerial, messages: [{ data, encoding: 'base64' }] })
    publish(Buffer.alloc(10).toString('base64'), 0)
    expect(await socket.frame(1)).toMatchObject({ msgSerial: 0 })
    publish(Buffer.alloc(11).toString('base64'), 1)
    expect(await socket.frame(2)).toMatchObject({ msgSerial: 1, error: { code: 40_009, statusCode: 413 } })
    expect(await failure(endpoint.rest().channels.get('ai:x').publish('n', 'x'.repeat(11)))).toMatchObject({
      code: 40_009,
      statusCode: 413,
    })
  })

  test('of the backlog disconnect a slow reader, and others continue', async () => {
    const endpoint = await startEndpoint({ limits: { maxBufferedBytes: 200_000 } })
    const deaf = await openDeafSocket(endpoint, 'ai:x')
    const client = endpoint.client()
    const inbox = await openInbox(client.channels.get('ai:x'))
    const cut = once(deaf, 'close')
    deaf.on('error', () => {})
    const data = 'x'.repeat(50_000)
    const attached = async () => {
      const { status } = await endpoint.rest().channels.get('ai:x').status()
      return status.occupancy.metrics.connections
    }
    expect(await attached()).toBe(2)
    let count = 0
    // NOTE: the system's buffers for the two sockets fill before the endpoint's
    for (; count < 400 && (await attached()) > 1; count++) await client.channels.get('ai:x').publish('n', data)
    expect(await attached()).toBe(1)
    expect(await inbox.take(count)).toHaveLength(count)
    deaf.resume()
    await cut
  })
})
