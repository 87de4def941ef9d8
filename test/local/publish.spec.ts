import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { failure, formats, inState, openInbox, startEndpoint } from '../support/local'

describe.each(formats)('publishing in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  test('delivers name, data, extras and client id, with the serial that the publisher gets', async () => {
    const endpoint = await startEndpoint()
    const inbox = await openInbox(endpoint.client({}, binary).channels.get('ai:x'))
    const bob = endpoint.client({ clientId: 'bob' }, binary)
    const extras = { headers: { a: '1' } }
    const { serials } = await bob.channels.get('ai:x').publish({ name: 'greet', data: { hello: 1 }, extras })
    const [message] = await inbox.take(1)
    expect(message).toMatchObject({ name: 'greet', data: { hello: 1 }, extras, clientId: 'bob', serial: serials[0] })
    expect(message).toMatchObject({ action: 'message.create', connectionId: bob.connection.id })
    expect(message?.version).toMatchObject({ serial: serials[0], timestamp: message?.timestamp })
    expect(message?.id).toBe(`${bob.connection.id}:0:0`)
  })

  test.each(formats)('delivers text, JSON and bytes to $format', async ({ useBinaryProtocol: other }) => {
    const endpoint = await startEndpoint()
    const inbox = await openInbox(endpoint.client({}, { useBinaryProtocol: other }).channels.get('ai:x'))
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    await channel.publish('text', 'grüße 🎈')
    await channel.publish('json', [1, { two: null }])
    await channel.publish('bytes', Buffer.from([0, 255, 128]))
    await channel.publish('none', undefined)
    const [text, json, bytes, none] = await inbox.take(4)
    expect(text?.data).toBe('grüße 🎈')
    expect(json?.data).toEqual([1, { two: null }])
    expect(Buffer.from(bytes?.data as Uint8Array)).toEqual(Buffer.from([0, 255, 128]))
    expect(none?.data ?? null).toBeNull()
  })

  test('keeps a batch together', async () => {
    const endpoint = await startEndpoint()
    const inbox = await openInbox(endpoint.client({}, binary).channels.get('ai:x'))
    const { serials } = await endpoint
      .client({}, binary)
      .channels.get('ai:x')
      .publish([{ name: 'a' }, { name: 'b' }])
    const messages = await inbox.take(2)
    expect(messages.map(({ name, serial }) => [name, serial])).toEqual([
      ['a', serials[0]],
      ['b', serials[1]],
    ])
    expect(serials[0]?.split(':')[0]).toBe(serials[1]?.split(':')[0])
  })

  test('returns rising serials', async () => {
    const endpoint = await startEndpoint({ clock: { now: () => 1_700_000_000_000 } })
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    const results = await Promise.all(Array.from({ length: 50 }, () => channel.publish('n', 'x')))
    const serials = results.flatMap(({ serials: all }) => all)
    expect(serials).toHaveLength(50)
    expect(serials.every((serial, i) => i === 0 || serial! > serials[i - 1]!)).toBe(true)
  })

  test('does not echo to clients that turned echo off', async () => {
    const endpoint = await startEndpoint()
    const quiet = endpoint.client({}, { ...binary, echoMessages: false }).channels.get('ai:x')
    const inbox = await openInbox(quiet)
    await quiet.publish('own', '')
    await endpoint.rest({}, binary).channels.get('ai:x').publish('other', '')
    expect((await inbox.take(1)).map(({ name }) => name)).toEqual(['other'])
  })

  test('ignores a message whose id was published before', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    const first = await channel.publish({ id: 'same', name: 'n', data: '1' })
    const second = await channel.publish({ id: 'same', name: 'n', data: '2' })
    const third = await rest.publish({ id: 'same', name: 'n', data: '3' })
    expect([second.serials, third.serials]).toEqual([first.serials, first.serials])
    const history = await channel.history()
    expect(history.items.map(({ data }) => data as unknown)).toEqual(['1'])
  })

  test('refuses a batch whose ids do not belong together', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    expect((await channel.publish([{ id: 'b:0' }, { id: 'b:1' }])).serials).toHaveLength(2)
    expect(await failure(channel.publish([{ id: 'c:0' }, { id: 'd:1' }]))).toMatchObject({ code: 40_031 })
  })

  test('publishes over REST', async () => {
    const endpoint = await startEndpoint()
    const inbox = await openInbox(endpoint.client({}, binary).channels.get('ai:x y/ü'))
    const channel = endpoint.rest({}, binary).channels.get('ai:x y/ü')
    const { serials } = await channel.publish([
      { name: 'a', data: { n: 1 } },
      { name: 'b', data: Buffer.from('b') },
    ])
    const [a, b] = await inbox.take(2)
    expect(a).toMatchObject({ name: 'a', data: { n: 1 }, serial: serials[0] })
    expect(Buffer.from(b?.data as Uint8Array).toString()).toBe('b')
  })

  test('refuses messages that are too large, and stays connected', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({}, { ...binary, maxMessageSize: 1_000_000 })
    const channel = client.channels.get('ai:x')
    const rest = endpoint.rest({}, { ...binary, maxMessageSize: 1_000_000 }).channels.get('ai:x')
    expect(await failure(rest.publish('n', 'x'.repeat(70_000)))).toMatchObject({ code: 40_009, statusCode: 413 })
    expect(await failure(channel.publish('n', 'x'.repeat(70_000)))).toMatchObject({ code: 40_009 })
    expect((await channel.publish('n', 'x')).serials).toHaveLength(1)
  })

  test('refuses a connection without its key, and another client id', async () => {
    const endpoint = await startEndpoint()
    const bob = endpoint.client({ clientId: 'bob' }, binary)
    await inState(bob, 'connected')
    const connectionKey = bob.connection.key!
    const channel = endpoint.rest({}, binary).channels.get('ai:x')
    const publish = (message: object) => failure(channel.publish({ name: 'n', ...message }))
    expect(await publish({ connectionKey: connectionKey.slice(0, -1) })).toMatchObject({
      code: 40_006,
      statusCode: 400,
    })
    expect(await publish({ connectionKey, clientId: 'eve' })).toMatchObject({ code: 40_012, statusCode: 400 })
    expect(await publish({ connectionKey })).toMatchObject({ code: 40_012 })
    expect((await channel.history()).items).toEqual([])
    bob.close()
    await inState(bob, 'closed')
    await eventually(async () =>
      expect(await publish({ connectionKey, clientId: 'bob' })).toMatchObject({ code: 40_006 }),
    )
  })

  test('refuses numbers and booleans as data', async () => {
    const endpoint = await startEndpoint()
    const rest = endpoint.rest({}, binary)
    const response = await rest.request('post', '/channels/ai:x/messages', 2, {}, { name: 'n', data: 5 }, {})
    expect(response).toMatchObject({ success: false, errorCode: 40_013, statusCode: 400 })
  })

  test('refuses messages on request, and no others', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    const refused = failure(channel.publish({ name: 'n' }, { _forceNack: 'true' }))
    const fine = channel.publish('n', 'x')
    expect(await refused).toMatchObject({ code: 40_099 })
    expect((await fine).serials).toHaveLength(1)
  })

  test.each([':a', '[filter]a', '[?rewind=1]'])('refuses the channel name "%s" and stays connected', async (name) => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({}, binary)
    await inState(client, 'connected')
    expect(await failure(client.channels.get(name).publish('n', ''))).toMatchObject({ code: 40_010, statusCode: 400 })
    expect(await failure(client.channels.get(name).attach())).toMatchObject({ code: 40_010 })
    expect(await failure(endpoint.rest({}, binary).channels.get(name).publish('n', ''))).toMatchObject({ code: 40_010 })
    expect(client.connection.state).toBe('connected')
  })
})

test('limits an inbound rate only if one is set', async () => {
  const now = 1_700_000_000_000
  const endpoint = await startEndpoint({ limits: { maxInboundRate: 2 }, clock: { now: () => now } })
  const channel = endpoint.client().channels.get('ai:x')
  const results = await Promise.allSettled([1, 2, 3].map(() => channel.publish('n', 'x')))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(results[2]).toMatchObject({ reason: { code: 42_911, statusCode: 429 } })
})
