import * as Ably from 'ably'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually'
import { failure, formats, inState, nextEvent, nextState, startEndpoint, type TestEndpoint } from '../support/local'
import { openSocket } from './raw-socket'

const said = ({ action, clientId, data }: Ably.PresenceMessage) => [action, clientId, data as unknown]

/** The actions of members, as a subscriber receives them. */
async function listen(channel: Ably.RealtimeChannel) {
  const heard: unknown[][] = []
  await channel.presence.subscribe((message) => void heard.push(said(message)))
  return heard
}

const clientIds = async (channel: Ably.RealtimeChannel) =>
  (await channel.presence.get()).map(({ clientId }) => clientId).toSorted()

describe.each(formats)('presence in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  const channelOf = (endpoint: TestEndpoint, clientId: string, options: Ably.ClientOptions = {}) =>
    endpoint.client({ clientId }, { ...binary, ...options }).channels.get('ai:x')

  test('reports each enter, update and leave', async () => {
    const endpoint = await startEndpoint()
    const heard = await listen(channelOf(endpoint, 'alice'))
    const { presence } = channelOf(endpoint, 'bob')
    await presence.enter({ mood: 'good' })
    await presence.update('busy')
    await presence.leave()
    const expected = [
      ['enter', 'bob', { mood: 'good' }],
      ['update', 'bob', 'busy'],
      ['leave', 'bob', 'busy'],
    ]
    await eventually(() => expect(heard).toEqual(expected))
  })

  test('converts bytes between the formats', async () => {
    const endpoint = await startEndpoint()
    await channelOf(endpoint, 'bob').presence.enter(new Uint8Array([0, 255]))
    const [member] = await channelOf(endpoint, 'alice', { useBinaryProtocol: !useBinaryProtocol }).presence.get()
    expect([...new Uint8Array(member!.data as ArrayBuffer)]).toEqual([0, 255])
  })

  test('shows present members to a new client, page by page', async () => {
    const endpoint = await startEndpoint()
    const host = endpoint.client({}, binary).channels.get('ai:x')
    const names = Array.from({ length: 230 }, (_, i) => `guest-${i}`)
    await Promise.all(names.map((name) => host.presence.enterClient(name)))
    const visitor = channelOf(endpoint, 'alice')
    expect(await clientIds(visitor)).toEqual(names.toSorted())
  })

  test('shows present members to a client that attaches again', async () => {
    const endpoint = await startEndpoint()
    const host = endpoint.client({}, binary).channels.get('ai:x')
    const visitor = channelOf(endpoint, 'alice')
    await host.presence.enterClient('one')
    await host.presence.enterClient('two')
    expect(await clientIds(visitor)).toEqual(['one', 'two'])
    await visitor.detach()
    await host.presence.leaveClient('two')
    await host.presence.enterClient('three')
    await visitor.attach()
    expect(await clientIds(visitor)).toEqual(['one', 'three'])
  })

  test('delivers extras, those of the leave if it has some', async () => {
    const endpoint = await startEndpoint()
    const extras: unknown[] = []
    await channelOf(endpoint, 'alice').presence.subscribe((message) => void extras.push(message.extras))
    const { presence } = channelOf(endpoint, 'bob')
    const [hello, bye] = [{ headers: { k: 'hello' } }, { headers: { k: 'bye' } }]
    const say = (extras: object) => ({ extras }) as Ably.PresenceMessage
    const { PresenceMessage } = Ably.Realtime
    await presence.enter(PresenceMessage.fromValues(say(hello)))
    await presence.leave(PresenceMessage.fromValues(say(bye)))
    await presence.enter(PresenceMessage.fromValues(say(hello)))
    await presence.leave()
    await eventually(() => expect(extras).toEqual([hello, bye, hello, hello]))
  })

  test('an update of an absent member enters it', async () => {
    const endpoint = await startEndpoint()
    const heard = await listen(channelOf(endpoint, 'alice'))
    await channelOf(endpoint, 'bob').presence.update('here')
    await eventually(() => expect(heard).toEqual([['enter', 'bob', 'here']]))
  })

  test('a leave of an absent member changes nothing', async () => {
    const endpoint = await startEndpoint()
    const alice = channelOf(endpoint, 'alice')
    const heard = await listen(alice)
    await alice.presence.leaveClient('alice')
    await alice.presence.enter()
    await eventually(() => expect(heard).toEqual([['enter', 'alice', undefined]]))
  })

  test.each(['close', 'detach'] as const)('a member that leaves by %s leaves at once', async (how) => {
    const endpoint = await startEndpoint()
    const heard = await listen(channelOf(endpoint, 'alice'))
    const bob = endpoint.client({ clientId: 'bob' }, binary)
    await bob.channels.get('ai:x').presence.enter('x')
    if (how === 'close') bob.close()
    else await bob.channels.get('ai:x').detach()
    await eventually(() => expect(heard.at(-1)).toEqual(['leave', 'bob', 'x']))
  })

  test('a member that loses its connection stays for a while', async () => {
    const endpoint = await startEndpoint()
    const alice = channelOf(endpoint, 'alice')
    const heard = await listen(alice)
    for (const [clientId, remainPresentFor] of [
      ['bob', 1_500],
      ['eve', 0],
    ] as const) {
      await channelOf(endpoint, clientId, { transportParams: { remainPresentFor } }).presence.enter('x')
    }
    await eventually(() => expect(heard).toHaveLength(2))
    for (const clientId of ['bob', 'eve']) endpoint.dropConnection(clientId, { refuseFor: Infinity })
    await eventually(() => expect(heard).toHaveLength(4))
    expect(heard.slice(2)).toEqual([
      ['leave', 'eve', 'x'],
      ['leave', 'bob', 'x'],
    ])
  })

  test('a member that reconnects in time never leaves', async () => {
    const endpoint = await startEndpoint()
    const alice = channelOf(endpoint, 'alice')
    const heard = await listen(alice)
    const bob = channelOf(endpoint, 'bob', { transportParams: { remainPresentFor: 4_000 } })
    await bob.presence.enter('x')
    const back = nextEvent(bob, 'attached')
    endpoint.dropConnection('bob')
    await back
    await new Promise((resolve) => setTimeout(resolve, 4_200))
    expect(await clientIds(alice)).toEqual(['bob'])
    expect(heard).toEqual([['enter', 'bob', 'x']])
  })

  test('a member that comes back with a token for other channels leaves', async () => {
    const endpoint = await startEndpoint()
    const heard = await listen(channelOf(endpoint, 'alice'))
    let allowed = 'ai:x'
    const authCallback: Ably.ClientOptions['authCallback'] = (_, done) =>
      done(null, endpoint.createToken({ clientId: 'bob', capability: { [allowed]: ['*'] } }))
    const bob = endpoint.client({}, { ...binary, key: undefined, authCallback }).channels.get('ai:x')
    await bob.presence.enter('hi')
    allowed = 'ai:y'
    endpoint.expireToken('bob')
    await eventually(() => expect(bob.state).toBe('failed'))
    await eventually(() => expect(heard.at(-1)).toEqual(['leave', 'bob', 'hi']))
  })

  test('a member that reconnects too late enters again by itself', async () => {
    const endpoint = await startEndpoint()
    const heard = await listen(channelOf(endpoint, 'alice'))
    const bob = endpoint.client({ clientId: 'bob' }, { ...binary, transportParams: { remainPresentFor: 1_000 } })
    await bob.channels.get('ai:x').presence.enter('x')
    const letIn = endpoint.dropConnection('bob', { refuseFor: Infinity })
    await eventually(() => expect(heard.at(-1)?.[0]).toBe('leave'))
    letIn()
    bob.connect()
    await eventually(() => expect(heard.at(-1)).toEqual(['enter', 'bob', 'x']))
  })

  test('an enter that was lost with the connection is sent again and counts', async () => {
    const endpoint = await startEndpoint()
    const heard = await listen(channelOf(endpoint, 'alice'))
    const bob = channelOf(endpoint, 'bob')
    await bob.attach()
    endpoint.freeze('bob')
    const entered = bob.presence.enter('x')
    endpoint.dropConnection('bob')
    await entered
    await eventually(() => expect(heard).toEqual([['enter', 'bob', 'x']]))
  })

  test('a client that reconnects learns at once which members left meanwhile', async () => {
    const endpoint = await startEndpoint()
    const alice = endpoint.client({ clientId: 'alice' }, binary)
    const heard = await listen(alice.channels.get('ai:x'))
    const bob = channelOf(endpoint, 'bob')
    await bob.presence.enter()
    await eventually(() => expect(heard).toHaveLength(1))
    const gone = nextState(alice, 'disconnected')
    const letIn = endpoint.dropConnection('alice', { refuseFor: Infinity })
    await gone
    await bob.presence.leave()
    letIn()
    alice.connect()
    await eventually(() => expect(heard.map(([action]) => action)).toEqual(['enter', 'leave']))
  })

  test('needs the capability, the mode and a client id', async () => {
    const endpoint = await startEndpoint()
    const mute = endpoint.client({ clientId: 'bob', capability: { 'ai:x': ['subscribe'] } }, binary)
    expect(await failure(mute.channels.get('ai:x').presence.enter())).toMatchObject({ code: 40_160, statusCode: 401 })
    const shy = endpoint.client({ clientId: 'bob' }, binary).channels.get('ai:x', { modes: ['SUBSCRIBE'] })
    expect(await failure(shy.presence.enter())).toMatchObject({ code: 40_160, statusCode: 401 })
    const bob = channelOf(endpoint, 'bob')
    expect(await failure(bob.presence.enterClient('alice'))).toMatchObject({ code: 40_012 })
  })

  test('is delivered to clients with the mode for it, and to members of the same connection', async () => {
    const endpoint = await startEndpoint()
    const deaf = endpoint.client({}, binary).channels.get('ai:x', { modes: ['PRESENCE', 'SUBSCRIBE'] })
    const own: string[] = []
    // NOTE: the SDK would not subscribe without the mode, so this checks the frames
    await deaf.attach()
    ;(
      deaf.presence as unknown as { subscriptions: { on(f: (m: Ably.PresenceMessage) => void): void } }
    ).subscriptions.on(({ clientId }) => own.push(clientId))
    await channelOf(endpoint, 'alice').presence.enter()
    await deaf.presence.enterClient('me')
    await eventually(() => expect(own).toEqual(['me']))
  })

  test('has a maximum of members', async () => {
    const endpoint = await startEndpoint({ limits: { maxMembers: 1 } })
    const { presence } = endpoint.client({}, binary).channels.get('ai:x')
    await presence.enterClient('one')
    expect(await failure(presence.enterClient('two'))).toMatchObject({ code: 91_003 })
    await presence.updateClient('one', 'still')
    await presence.leaveClient('one')
    await presence.enterClient('two')
  })

  test('can be read over REST', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({}, binary)
    const { presence } = client.channels.get('ai:x')
    for (const name of ['a', 'b', 'c']) await presence.enterClient(name, { name })
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    const first = await rest.presence.get({ limit: 2 })
    const second = await first.next()
    expect([...first.items, ...second!.items].map(said)).toEqual([
      ['present', 'a', { name: 'a' }],
      ['present', 'b', { name: 'b' }],
      ['present', 'c', { name: 'c' }],
    ])
    expect(second!.hasNext()).toBe(false)
    expect((await rest.presence.get({ clientId: 'b' })).items.map(said)).toEqual([['present', 'b', { name: 'b' }]])
    expect((await rest.presence.get({ connectionId: client.connection.id! })).items).toHaveLength(3)
    expect((await rest.presence.get({ connectionId: 'nobody' })).items).toEqual([])
    expect((await rest.status()).status.occupancy.metrics).toMatchObject({ presenceMembers: 3, presenceConnections: 1 })
  })

  test('has a history', async () => {
    const endpoint = await startEndpoint()
    const { presence } = channelOf(endpoint, 'bob')
    await presence.enter('1')
    await presence.update('2')
    await presence.leave('3')
    const rest = endpoint.rest({}, binary).channels.get('ai:x')
    const forwards = await rest.presence.history({ direction: 'forwards', limit: 2 })
    expect([...forwards.items, ...(await forwards.next())!.items].map(said)).toEqual([
      ['enter', 'bob', '1'],
      ['update', 'bob', '2'],
      ['leave', 'bob', '3'],
    ])
    expect((await presence.history()).items.map(said)[0]).toEqual(['leave', 'bob', '3'])
    const nobody = endpoint.rest({ capability: { 'ai:x': ['subscribe'] } }, binary).channels.get('ai:x')
    expect(await failure(nobody.presence.history())).toMatchObject({ code: 40_160 })
  })
})

describe('the frames', () => {
  const flag = { hasPresence: 1 << 0 }

  test('announce members in ATTACHED only if a SYNC follows', async () => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    socket.send({ action: 10, channel: 'ai:x' })
    expect(Number((await socket.frame(11)).flags) & flag.hasPresence).toBe(0)
    socket.send({ action: 14, channel: 'ai:x', msgSerial: 0, presence: [{ action: 2, clientId: 'bob', data: 'x' }] })
    const { id, connectionId } = await socket.frame(14)
    const other = await openSocket(endpoint)
    other.send({ action: 10, channel: 'ai:x' })
    expect(Number((await other.frame(11)).flags) & flag.hasPresence).toBe(1)
    const sync = await other.frame(16)
    expect(sync.channelSerial).toMatch(/^[\w-]+:$/)
    expect(sync.presence).toEqual([
      { action: 1, id: `${String(id)}:0`, clientId: 'bob', connectionId, data: 'x', timestamp: expect.any(Number) },
    ])
  })

  test('answer a SYNC with all members, even if there are none', async () => {
    const socket = await openSocket(await startEndpoint())
    socket.send({ action: 10, channel: 'ai:x' })
    socket.send({ action: 16, channel: 'ai:x' })
    expect(await socket.frame(16)).toMatchObject({ channel: 'ai:x', presence: [] })
  })

  test('of a leave are delivered even for an unknown member', async () => {
    const socket = await openSocket(await startEndpoint())
    socket.send({ action: 10, channel: 'ai:x' })
    socket.send({ action: 14, channel: 'ai:x', msgSerial: 0, presence: [{ action: 3, clientId: 'bob', data: 'bye' }] })
    expect(await socket.frame(14)).toMatchObject({ presence: [{ action: 3, clientId: 'bob', data: 'bye' }] })
    socket.send({ action: 16, channel: 'ai:x' })
    expect(await socket.frame(16)).toMatchObject({ presence: [] })
  })

  test('of a repeated enter are not delivered again', async () => {
    const socket = await openSocket(await startEndpoint())
    const connectionId = String((await socket.frame(4)).connectionId)
    const enter = (msgSerial: number) => ({
      action: 14,
      channel: 'ai:x',
      msgSerial,
      presence: [{ action: 2, clientId: 'bob', id: `${connectionId}:0:0` }],
    })
    socket.send({ action: 10, channel: 'ai:x' })
    socket.send(enter(0))
    socket.send(enter(1))
    await socket.frame(1)
    await socket.frame(1)
    expect(socket.frames.filter(({ action }) => action === 14)).toHaveLength(1)
  })

  test('of a disconnected member leave under an id of their own', async () => {
    const endpoint = await startEndpoint()
    const socket = await openSocket(endpoint)
    socket.send({ action: 10, channel: 'ai:x' })
    const bob = endpoint.client({ clientId: 'bob' })
    await bob.channels.get('ai:x').presence.enter()
    bob.close()
    await inState(bob, 'closed')
    await socket.frame(14)
    const { presence } = await socket.frame(14)
    const [leave] = presence as [{ id: string; connectionId: string; action: number }]
    expect(leave.action).toBe(3)
    expect(leave.id.startsWith(leave.connectionId)).toBe(false)
  })
})
