import { describe, expect, test } from 'vitest'
import { failure, formats, inState, nextEvent, openInbox, startEndpoint } from '../support/local'
import { openSocket } from './raw-socket'

const bit = { hasPresence: 1 << 0, subscribe: 1 << 18 }

describe.each(formats)('attaching in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  test('grants the usual modes', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    const change = await channel.attach()
    expect(change).toMatchObject({ current: 'attached', resumed: false, hasBacklog: false })
    expect(channel.modes).toEqual(expect.arrayContaining(['publish', 'subscribe', 'presence', 'presence_subscribe']))
  })

  test('grants and enforces the requested modes', async () => {
    const endpoint = await startEndpoint()
    const writer = endpoint.client({}, binary).channels.get('ai:x', { modes: ['PUBLISH'] })
    const reader = endpoint.client({}, binary).channels.get('ai:x', { modes: ['SUBSCRIBE'] })
    const inbox = await openInbox(reader)
    await writer.attach()
    await writer.publish('n', 'x')
    expect(await inbox.take(1)).toHaveLength(1)
    expect([writer.modes, reader.modes]).toEqual([['publish'], ['subscribe']])
    expect(await failure(reader.publish('n', 'x'))).toMatchObject({ code: 40_160, statusCode: 401 })
  })

  test('delivers nothing after detaching', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({}, binary)
    const channel = client.channels.get('ai:x')
    const inbox = await openInbox(channel)
    await channel.detach()
    await endpoint.rest({}, binary).channels.get('ai:x').publish('n', 'x')
    await client.connection.ping()
    expect(inbox.pending).toEqual([])
    expect(channel.state).toBe('detached')
  })

  test('attaches again with other options', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    const inbox = await openInbox(channel)
    await channel.publish('n', '1')
    await inbox.take(1)
    await channel.setOptions({ modes: ['SUBSCRIBE'] })
    await endpoint.rest({}, binary).channels.get('ai:x').publish('n', '2')
    expect((await inbox.take(1)).map(({ data }) => data as unknown)).toEqual(['2'])
    expect(channel.modes).toEqual(['subscribe'])
  })

  test('rewinds by a number of messages and joins history without a gap', async () => {
    const endpoint = await startEndpoint()
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    for (const data of ['1', '2', '3', '4']) await rest.publish('n', data)
    const channel = endpoint.client({}, binary).channels.get('ai:x', { params: { rewind: '2' } })
    const attached = nextEvent(channel, 'attached')
    const inbox = await openInbox(channel)
    expect((await inbox.take(2)).map(({ data }) => data as unknown)).toEqual(['3', '4'])
    expect((await attached).hasBacklog).toBe(true)
    const before = await channel.history({ untilAttach: true })
    expect(before.items.map(({ data }) => data as unknown)).toEqual(['2', '1'])
  })

  test('rewinds by time, also if the channel name requests it', async () => {
    let now = 1_700_000_000_000
    const endpoint = await startEndpoint({ clock: { now: () => now } })
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    await rest.publish('n', 'old')
    now += 60_000
    await rest.publish('n', 'new')
    const inbox = await openInbox(endpoint.client({}, binary).channels.get('[?rewind=30s]ai:x'))
    await rest.publish('n', 'live')
    expect((await inbox.take(2)).map(({ data }) => data as unknown)).toEqual(['new', 'live'])
  })

  test('refuses an invalid rewind', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({}, binary)
    const channel = client.channels.get('ai:x', { params: { rewind: 'a week' } })
    expect(await failure(channel.attach())).toMatchObject({ code: 40_000 })
    expect(client.connection.state).toBe('connected')
  })
})

test('delivers nothing more to a channel that failed', async () => {
  const endpoint = await startEndpoint()
  const socket = await openSocket(endpoint)
  socket.send({ action: 10, channel: 'ai:x' })
  await socket.frame(11)
  socket.send({ action: 10, channel: 'ai:x', params: { rewind: 'a week' } })
  expect(await socket.frame(9)).toMatchObject({ channel: 'ai:x', error: { code: 40_000 } })
  await endpoint.rest().channels.get('ai:x').publish('n', 'x')
  socket.send({ action: 0, id: 'after' })
  await socket.frame(0)
  expect(socket.frames.filter(({ action }) => action === 15)).toEqual([])
})

describe('the ATTACHED frame', () => {
  test('carries modes and known parameters, and never claims members', async () => {
    const socket = await openSocket(await startEndpoint())
    socket.send({
      action: 10,
      channel: 'ai:x',
      params: { appendMode: 'full', delta: 'vcdiff', agent: 'me', modes: 'subscribe' },
    })
    const frame = await socket.frame(11)
    expect(frame).toMatchObject({
      channel: 'ai:x',
      params: { appendMode: 'full', delta: 'vcdiff', modes: 'subscribe' },
    })
    expect(frame.params).not.toHaveProperty('agent')
    expect(frame.flags).toBe(bit.subscribe)
    expect(Number(frame.flags) & bit.hasPresence).toBe(0)
  })

  test('reads numeric parameters like text', async () => {
    const endpoint = await startEndpoint()
    await endpoint.rest().channels.get('ai:x').publish('n', 'x')
    const socket = await openSocket(endpoint)
    socket.send({ action: 10, channel: 'ai:x', params: { rewind: 1, delta: true } })
    expect(await socket.frame(11)).toMatchObject({ params: { rewind: '1', delta: 'true' } })
    expect(await socket.frame(15)).toMatchObject({ messages: [{ data: 'x' }] })
  })

  test('comes before all other frames of the channel', async () => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    const publish = { action: 15, channel: 'ai:x', msgSerial: 0, messages: [{ data: 'a' }] }
    socket.send(publish)
    socket.send({ action: 10, channel: 'ai:x' })
    socket.send({ ...publish, msgSerial: 1 })
    await socket.frame(15)
    expect(socket.frames.map(({ action }) => action).slice(0, 4)).toEqual([4, 1, 11, 15])
  })

  test('is refused above the limit of channels per connection', async () => {
    const endpoint = await startEndpoint({ limits: { maxAttachments: 1 } })
    const client = endpoint.client()
    await inState(client, 'connected')
    await client.channels.get('ai:a').attach()
    expect(await failure(client.channels.get('ai:b').attach())).toMatchObject({ code: 90_010 })
    await client.channels.get('ai:a').detach()
    expect((await client.channels.get('ai:c').attach())?.current).toBe('attached')
  })
})
