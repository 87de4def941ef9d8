import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { failure, inState, nextState, openInbox, startEndpoint } from '../support/local'

describe('dropConnection', () => {
  test('drops only the named client, and refuses it until it is restored', async () => {
    const endpoint = await startEndpoint()
    const [bob, eve] = [endpoint.client({ clientId: 'bob' }), endpoint.client({ clientId: 'eve' })]
    await Promise.all([inState(bob, 'connected'), inState(eve, 'connected')])
    const states: string[] = []
    bob.connection.on(({ current }) => void states.push(current))
    const restore = endpoint.dropConnection('bob', { refuseFor: Infinity })
    await eventually(() => expect(states.filter((state) => state === 'disconnected').length).toBeGreaterThan(1))
    expect(states).not.toContain('connected')
    restore()
    await inState(bob, 'connected')
    expect(eve.connection.state).toBe('connected')
  })

  test('refuses the named client for a time that ends by itself', async () => {
    const endpoint = await startEndpoint()
    const bob = endpoint.client({ clientId: 'bob' })
    await inState(bob, 'connected')
    endpoint.dropConnection('bob', { refuseFor: 150 })
    expect(await nextState(bob, 'connected')).toMatchObject({ previous: 'connecting' })
  })

  test('finds connections by id or by a function', async () => {
    const endpoint = await startEndpoint()
    const [a, b] = [endpoint.client(), endpoint.client()]
    await Promise.all([inState(a, 'connected'), inState(b, 'connected')])
    endpoint.dropConnection(a.connection.id!)
    await nextState(a, 'disconnected')
    endpoint.dropConnection(({ connectionId }) => connectionId === b.connection.id)
    expect((await nextState(b, 'disconnected')).reason).toMatchObject({ code: 80_003 })
  })

  test('throws if no connection matches', async () => {
    const endpoint = await startEndpoint()
    expect(() => endpoint.dropConnection('nobody')).toThrow('no open one matches')
  })
})

describe('delayPublish', () => {
  test('holds back matching publishes and those behind them, until it is restored', async () => {
    const endpoint = await startEndpoint()
    const inbox = await openInbox(endpoint.client().channels.get('ai:x'))
    const [slow, fast] = [endpoint.client({ clientId: 'slow' }), endpoint.client({ clientId: 'fast' })]
    const release = endpoint.delayPublish({ clientId: 'slow', name: 'held' })
    const held = slow.channels.get('ai:x').publish('held', '')
    const behind = slow.channels.get('ai:x').publish('behind', '')
    await fast.channels.get('ai:x').publish('free', '')
    await slow.connection.ping()
    expect(inbox.pending.map(({ name }) => name)).toEqual(['free'])
    release()
    await Promise.all([held, behind])
    expect((await inbox.take(3)).map(({ name }) => name)).toEqual(['free', 'held', 'behind'])
  })

  test('delays publishes for some time, over REST too', async () => {
    const endpoint = await startEndpoint()
    const rest = endpoint.rest().channels.get('ai:x')
    const restore = endpoint.delayPublish({ channel: 'ai:x' }, { ms: 200, times: 1 })
    await rest.publish('n', '')
    restore()
    const release = endpoint.delayPublish({ channel: 'ai:x' }, { ms: 600_000, times: 1 })
    const both = [rest.publish('n', ''), rest.publish('n', '')]
    await Promise.race(both)
    expect((await rest.history()).items).toHaveLength(2)
    release()
    await Promise.all(both)
    expect((await rest.history()).items).toHaveLength(3)
  })
})

describe('refusePublish', () => {
  test('refuses the given number of publishes, with the given error', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client().channels.get('ai:x')
    const { serials } = await channel.publish('n', 'a')
    const error = { code: 42_911, statusCode: 429, message: 'slow down' }
    endpoint.refusePublish({ action: 'append' }, { times: 1, error })
    expect(await failure(channel.appendMessage({ serial: serials[0]!, data: 'b' }))).toMatchObject(error)
    await channel.appendMessage({ serial: serials[0]!, data: 'c' })
    expect((await channel.getMessage(serials[0]!)).data).toBe('ac')
  })

  test('refuses publishes until it is restored, by any function', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.rest().channels.get('ai:x')
    const restore = endpoint.refusePublish(({ data }) => data === 'bad')
    await channel.publish('n', 'good')
    expect(await failure(channel.publish('n', 'bad'))).toMatchObject({ code: 50_003 })
    restore()
    restore()
    expect((await channel.publish('n', 'bad')).serials).toHaveLength(1)
  })
})

describe('refuseResume', () => {
  test('can be undone', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' })
    await inState(client, 'connected')
    const { id } = client.connection
    endpoint.refuseResume()()
    endpoint.dropConnection('bob')
    await nextState(client, 'connected')
    expect(client.connection.id).toBe(id)
  })
})

describe('expireToken', () => {
  test('expires the tokens of that client id, and new ones work', async () => {
    const endpoint = await startEndpoint()
    const { token } = endpoint.createToken({ clientId: 'bob' })
    const [bob, eve] = [endpoint.client({ clientId: 'bob' }), endpoint.client({ clientId: 'eve' })]
    await Promise.all([inState(bob, 'connected'), inState(eve, 'connected')])
    const gone = nextState(bob, 'disconnected')
    endpoint.expireToken('bob')
    expect((await gone).reason).toMatchObject({ code: 40_142, statusCode: 401 })
    await nextState(bob, 'connected')
    expect(eve.connection.state).toBe('connected')
    const old = await fetch(`${endpoint.url}/stats?access_token=${token}`)
    expect([old.status, old.headers.get('x-ably-errorcode')]).toEqual([401, '40142'])
  })
})

test('two controls can be active at once', async () => {
  const endpoint = await startEndpoint()
  const channel = endpoint.client().channels.get('ai:x')
  endpoint.delayPublish({ channel: 'ai:x' }, { ms: 10, times: 1 })
  endpoint.refusePublish({ channel: 'ai:x' }, { times: 1 })
  expect(await failure(channel.publish('n', ''))).toMatchObject({ code: 50_003 })
  expect((await channel.publish('n', '')).serials).toHaveLength(1)
})

describe('a disturbed delivery', () => {
  test('brings messages twice, and once again when it ends', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({ clientId: 'bob' }).channels.get('ai:x')
    const inbox = await openInbox(channel)
    const restore = endpoint.disturb('bob', 'duplicate')
    await channel.publish('n', 'one')
    restore()
    await channel.publish('n', 'two')
    expect((await inbox.take(3)).map(({ data }) => data as unknown)).toEqual(['one', 'one', 'two'])
    expect(() => endpoint.disturb('eve', 'duplicate')).toThrow('no open one matches')
  })

  test('reverses pairs, and a message without a second one arrives when it ends', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({ clientId: 'bob' }).channels.get('ai:x')
    const inbox = await openInbox(channel)
    const restore = endpoint.disturb('bob', 'reorder')
    for (const word of ['one', 'two', 'three']) await channel.publish('n', word)
    expect((await inbox.take(2)).map(({ data }) => data as unknown)).toEqual(['two', 'one'])
    restore()
    expect((await inbox.take(1)).map(({ data }) => data as unknown)).toEqual(['three'])
  })

  test('keeps the order of appends to one message', async () => {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({ clientId: 'bob' }).channels.get('ai:x')
    const inbox = await openInbox(channel)
    const restore = endpoint.disturb('bob', 'reorder')
    const { serials } = await channel.publish('n', 'a')
    await channel.appendMessage({ serial: serials[0]!, data: 'b' })
    await channel.appendMessage({ serial: serials[0]!, data: 'c' })
    restore()
    expect((await inbox.take(3)).map(({ data }) => data as unknown)).toEqual(['a', 'b', 'c'])
  })
})

describe('a frozen connection', () => {
  test('delivers nothing, and everything once it is unfrozen', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' })
    const channel = client.channels.get('ai:x')
    const inbox = await openInbox(channel)
    const other = endpoint.rest().channels.get('ai:x')
    const thaw = endpoint.freeze('bob')
    const published = channel.publish('n', 'from bob')
    await other.publish('n', 'to bob')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(inbox.pending).toEqual([])
    expect((await other.history()).items).toHaveLength(1)
    expect(client.connection.state).toBe('connected')
    thaw()
    await published
    const told = (await inbox.take(2)).map(({ data }) => data as unknown)
    expect(told).toEqual(['to bob', 'from bob'])
  })

  test('is unfrozen by itself after the given time, or replaced when the client reconnects', async () => {
    const endpoint = await startEndpoint()
    const patient = endpoint.client({ clientId: 'carol' }, { realtimeRequestTimeout: 120_000 })
    await inState(patient, 'connected')
    endpoint.freeze('carol', { ms: 50 })
    expect(await patient.connection.ping()).toBeGreaterThan(0)
    const client = endpoint.client({ clientId: 'bob' }, { realtimeRequestTimeout: 1000 })
    await inState(client, 'connected')
    endpoint.freeze('bob')
    const { id } = client.connection
    await expect(client.connection.ping()).rejects.toMatchObject({ code: 50_000 })
    const back = nextState(client, 'connected')
    endpoint.dropConnection('bob')
    await back
    expect(client.connection.id).toBe(id)
    expect(() => endpoint.freeze('eve')).toThrow('no open one matches')
  })
})
