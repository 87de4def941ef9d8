import type * as Ably from 'ably'
import { describe, expect, test } from 'vitest'
import { formats, inState, nextEvent, nextState, openInbox, startEndpoint, type TestEndpoint } from '../support/local'
import { openSocket } from './raw-socket'

const datas = (items: { data?: unknown }[]) => items.map(({ data }) => data)

/** Drops a client, runs an action, and waits until the client has reconnected. */
async function during(endpoint: TestEndpoint, client: Ably.Realtime, act: () => Promise<unknown>) {
  const gone = nextState(client, 'disconnected')
  const letIn = endpoint.dropConnection(client.auth.clientId, { refuseFor: Infinity })
  await gone
  await act()
  letIn()
  client.connect()
  return await nextState(client, 'connected')
}

describe.each(formats)('reconnecting in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  async function scene() {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' }, binary)
    const channel = client.channels.get('ai:x')
    const inbox = await openInbox(channel)
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    return { endpoint, client, channel, inbox, rest }
  }

  test('resumes with the same id and a new key, and misses nothing', async () => {
    const { endpoint, client, channel, inbox, rest } = await scene()
    const { id, key } = client.connection
    await rest.publish('n', 'before')
    await inbox.take(1)
    const attached = nextEvent(channel, 'attached')
    const change = await during(endpoint, client, () => rest.publish([{ data: '1' }, { data: '2' }]))
    expect(change.reason).toBeUndefined()
    expect(client.connection.id).toBe(id)
    expect(client.connection.key).not.toBe(key)
    expect(await attached).toMatchObject({ resumed: true, hasBacklog: true })
    await rest.publish('n', '3')
    expect(datas(await inbox.take(3))).toEqual(['1', '2', '3'])
  })

  test('reports that no message was missed', async () => {
    const { endpoint, client, channel } = await scene()
    const attached = nextEvent(channel, 'attached')
    await during(endpoint, client, () => Promise.resolve())
    expect(await attached).toMatchObject({ resumed: true, hasBacklog: false })
  })

  test('delivers a message that grew as one whole message, then its appends', async () => {
    const { endpoint, client, inbox, rest } = await scene()
    const { serials } = await rest.publish('n', 'a')
    const grow = (data: string) => rest.appendMessage({ serial: serials[0]!, data })
    await inbox.take(1)
    await during(endpoint, client, async () => {
      await grow('b')
      await grow('c')
    })
    expect((await inbox.take(1)).map(({ action, data }) => [action, data as unknown])).toEqual([
      ['message.update', 'abc'],
    ])
    await grow('d')
    expect((await inbox.take(1)).map(({ action, data }) => [action, data as unknown])).toEqual([
      ['message.append', 'd'],
    ])
  })

  test('delivers missed messages page by page', async () => {
    const { endpoint, client, inbox, rest } = await scene()
    const batch = Array.from({ length: 120 }, (_, i) => ({ data: String(i) }))
    await during(endpoint, client, () => rest.publish(batch))
    const all = await inbox.take(120)
    expect(datas(all)).toEqual(datas(batch))
  })

  test('delivers no own messages to clients without echo', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' }, { ...binary, echoMessages: false })
    const channel = client.channels.get('ai:x')
    const inbox = await openInbox(channel)
    await channel.publish('own', '')
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    await during(endpoint, client, () => rest.publish('other', ''))
    expect((await inbox.take(1)).map(({ name }) => name)).toEqual(['other'])
  })

  test('delivers changes of other clients, also to a client without echo that changed the same message', async () => {
    const endpoint = await startEndpoint()
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    const first = await openSocket(endpoint, { echo: 'false', appendRollupWindow: '0' })
    const { connectionDetails } = await first.frame(4)
    first.send({ action: 10, channel: 'ai:x' })
    const { channelSerial } = await first.frame(11)
    endpoint.dropConnection(() => true)
    const { serials } = await rest.publish('other', 'a')
    const resume = (connectionDetails as { connectionKey: string }).connectionKey
    const second = await openSocket(endpoint, { echo: 'false', appendRollupWindow: '0', resume })
    const messages = [{ action: 5, serial: serials[0], data: 'b' }]
    second.send({ action: 15, channel: 'ai:x', msgSerial: 0, messages })
    await second.frame(1)
    second.send({ action: 10, channel: 'ai:x', channelSerial })
    expect(await second.frame(15)).toMatchObject({ messages: [{ name: 'other', data: 'ab' }] })
  })

  test('publishes a message once if it was sent twice', async () => {
    const { endpoint, channel, inbox } = await scene()
    endpoint.loseAck({ name: 'once' })
    const publish = channel.publish('once', 'x')
    const { serials } = await publish
    await channel.publish('later', 'y')
    const history = await channel.history({ direction: 'forwards' })
    expect(history.items.map(({ name, serial }) => [name, serial])).toEqual([
      ['once', serials[0]],
      ['later', expect.any(String)],
    ])
    expect((await inbox.take(2)).map(({ name }) => name)).toEqual(['once', 'later'])
  })

  test('gives a new connection if resume is refused, and the channel recovers by itself', async () => {
    const { endpoint, client, channel, inbox, rest } = await scene()
    const { id } = client.connection
    endpoint.refuseResume()
    const attached = nextEvent(channel, 'attached')
    const change = await during(endpoint, client, () => rest.publish('n', 'missed'))
    expect(change.reason).toMatchObject({ code: 80_018, statusCode: 400 })
    expect(client.connection.id).not.toBe(id)
    expect((await attached).resumed).toBe(true)
    expect(datas(await inbox.take(1))).toEqual(['missed'])
  })

  test('sends pending messages again, with new serials, if resume failed', async () => {
    const { endpoint, client, channel, inbox } = await scene()
    await channel.publish('n', 'first')
    endpoint.refuseResume()
    const results: Promise<Ably.PublishResult>[] = []
    await during(endpoint, client, async () => void results.push(channel.publish('n', 'second')))
    expect((await results[0]!).serials).toHaveLength(1)
    expect(datas(await inbox.take(2))).toEqual(['first', 'second'])
  })

  test('recovers the connection in a new client', async () => {
    const { endpoint, client, channel, inbox, rest } = await scene()
    await channel.publish('n', '1')
    await inbox.take(1)
    const recover = client.connection.createRecoveryKey()!
    const { id } = client.connection
    const letIn = endpoint.dropConnection('bob', { refuseFor: Infinity })
    await nextState(client, 'disconnected')
    client.close()
    await rest.publish('n', '2')
    letIn()
    const successor = endpoint.client({ clientId: 'bob' }, { ...binary, recover })
    const recovered = await openInbox(successor.channels.get('ai:x'))
    expect(datas(await recovered.take(1))).toEqual(['2'])
    expect(successor.connection.id).toBe(id)
  })

  test('does not recover a closed connection', async () => {
    const { endpoint, client } = await scene()
    const recover = client.connection.createRecoveryKey()!
    const { id } = client.connection
    client.close()
    const successor = endpoint.client({ clientId: 'bob' }, { ...binary, recover })
    const change = await nextState(successor, 'connected')
    expect(change.reason).toMatchObject({ code: 80_018 })
    expect(successor.connection.id).not.toBe(id)
  })

  test('tells the client if the channel lost continuity', async () => {
    const { endpoint, client, channel, rest } = await scene()
    const update = nextEvent(channel, 'update')
    endpoint.breakContinuity('ai:x')
    expect(await update).toMatchObject({ resumed: false, reason: { code: 90_003 } })
    const attached = nextEvent(channel, 'attached')
    await during(endpoint, client, async () => {
      await rest.publish('n', 'missed')
      endpoint.breakContinuity('ai:x')
    })
    expect(await attached).toMatchObject({ resumed: false, reason: { code: 90_003 } })
    expect(datas((await channel.history({ untilAttach: true })).items)).toEqual(['missed'])
  })

  test('reports no continuity if the endpoint dropped messages', async () => {
    const endpoint = await startEndpoint({ limits: { maxChannelMessages: 2 } })
    const client = endpoint.client({ clientId: 'bob' }, binary)
    const channel = client.channels.get('ai:x')
    await channel.attach()
    const attached = nextEvent(channel, 'attached')
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    await during(endpoint, client, () => rest.publish([{ data: '1' }, { data: '2' }, { data: '3' }]))
    expect(await attached).toMatchObject({ resumed: false, reason: { code: 90_003 } })
  })
})

test('starts a replay again if the first one was cut off', async () => {
  const endpoint = await startEndpoint()
  const socket = await openSocket(endpoint)
  socket.send({ action: 10, channel: 'ai:x' })
  const { channelSerial } = await socket.frame(11)
  socket.send({ action: 12, channel: 'ai:x' })
  await endpoint
    .rest()
    .channels.get('ai:x')
    .publish(Array.from({ length: 60 }, () => ({ data: 'x' })))
  socket.send({ action: 10, channel: 'ai:x', channelSerial })
  const [attached, first, last] = [await socket.frame(11), await socket.frame(15), await socket.frame(15)]
  expect([attached.channelSerial, first.channelSerial]).toEqual([channelSerial, channelSerial])
  const { messages } = last as unknown as { messages: { serial: string }[] }
  expect(messages.at(-1)?.serial).toBe(`${String(last.channelSerial)}:059`)
})

describe('connection keys', () => {
  test('belong to one client id', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' })
    await inState(client, 'connected')
    const thief = await openSocket(endpoint, { resume: client.connection.key!, clientId: 'eve' })
    expect(await thief.frame(9)).toMatchObject({ error: { code: 40_102, statusCode: 401 } })
  })

  test.each(['nonsense', 'abc!1-', 'abc!1-forged'])('cannot be forged: %s', async (resume) => {
    const socket = await openSocket(await startEndpoint(), { resume })
    expect(await socket.frame(4)).toMatchObject({ error: { code: 80_018, statusCode: 400 } })
  })

  test('are refused if a newer key of the connection is in use', async () => {
    const endpoint = await startEndpoint()
    const first = await openSocket(endpoint)
    const { connectionId, connectionDetails } = await first.frame(4)
    const { connectionKey: resume } = connectionDetails as { connectionKey: string }
    const second = await openSocket(endpoint, { resume })
    expect((await second.frame(4)).connectionId).toBe(connectionId)
    await first.closed
    const third = await openSocket(endpoint, { resume })
    expect(await third.frame(4)).toMatchObject({ error: { code: 80_018 } })
  })

  test('are new each time, also if the connection was forgotten meanwhile', async () => {
    const endpoint = await startEndpoint({ limits: { connectionStateTtl: 20 } })
    const keys: string[] = []
    const ids = new Set<unknown>()
    for (let i = 0; i < 3; i++) {
      const socket = await openSocket(endpoint, keys.length > 0 ? { resume: keys.at(-1)! } : {})
      const { connectionId, connectionDetails } = await socket.frame(4)
      keys.push((connectionDetails as { connectionKey: string }).connectionKey)
      ids.add(connectionId)
      socket.send({ action: 5 })
      await socket.closed
      await new Promise((resolve) => setTimeout(resolve, i === 1 ? 60 : 0))
    }
    expect([new Set(keys).size, ids.size]).toEqual([3, 1])
  })

  test('still work after DISCONNECT', async () => {
    const endpoint = await startEndpoint()
    const first = await openSocket(endpoint)
    const { connectionId, connectionDetails } = await first.frame(4)
    first.send({ action: 15, channel: 'ai:x', msgSerial: 0, messages: [{ data: 'a' }] })
    const ack = await first.frame(1)
    first.send({ action: 5 })
    await first.closed
    const { connectionKey: resume } = connectionDetails as { connectionKey: string }
    const second = await openSocket(endpoint, { resume })
    expect((await second.frame(4)).connectionId).toBe(connectionId)
    second.send({ action: 15, channel: 'ai:x', msgSerial: 0, messages: [{ data: 'a' }] })
    expect(await second.frame(1)).toEqual(ack)
  })
})
