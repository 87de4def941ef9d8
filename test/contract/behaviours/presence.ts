import type * as Ably from 'ably'
import { equal, match, rejects, truth } from '../assert'
import { area } from '../stage'
import { eventually, inState, listen, nextEvent, nextState, sleep } from '../watch'

const said = ({ action, clientId, data }: Ably.PresenceMessage) => [action, clientId, data as unknown]
const namesOf = (members: Ably.PresenceMessage[]) => members.map(({ clientId }) => clientId).toSorted()

export const presence = area('presence:', {
  async 'reports each enter, update and leave'({ client, plainName }) {
    const name = plainName()
    const heard = await listen(client().channels.get(name))
    const bob = client({ clientId: 'bob' }).channels.get(name)
    await bob.presence.enter({ mood: 'good' })
    await bob.presence.update('busy')
    await bob.presence.leave()
    equal((await heard.until(3)).map(said), [
      ['enter', 'bob', { mood: 'good' }],
      ['update', 'bob', 'busy'],
      ['leave', 'bob', 'busy'],
    ])
  },

  async 'shows the present members to a later client'({ client, otherFormat, plainName }) {
    const name = plainName()
    const host = client().channels.get(name)
    await host.presence.enterClient('one', new Uint8Array([0, 255]))
    await host.presence.enterClient('two', 'x')
    const members = await otherFormat().channels.get(name).presence.get()
    equal(namesOf(members), ['one', 'two'])
    const data = members.find(({ clientId }) => clientId === 'one')?.data as ArrayBuffer
    equal([...new Uint8Array(data)], [0, 255])
  },

  async 'shows many members, page by page'({ client, plainName, target }) {
    const name = plainName()
    const host = client().channels.get(name)
    await host.attach()
    const names = Array.from({ length: 120 }, (_, i) => `guest-${i}`)
    for (let i = 0; i < names.length; i += 40) {
      await Promise.all(names.slice(i, i + 40).map((guest) => host.presence.enterClient(guest)))
      await sleep(target.pause)
    }
    equal(namesOf(await client().channels.get(name).presence.get()), names.toSorted())
  },

  async 'filters members by client and by connection'({ client, plainName }) {
    const name = plainName()
    const [a, b] = [client({ clientId: 'a' }), client({ clientId: 'b' })]
    await a.channels.get(name).presence.enter()
    await b.channels.get(name).presence.enter()
    const { presence: members } = client().channels.get(name)
    equal(namesOf(await members.get({ clientId: 'a' })), ['a'])
    equal(namesOf(await members.get({ connectionId: b.connection.id! })), ['b'])
  },

  async 'an update of an absent member enters it'({ client, plainName }) {
    const name = plainName()
    const heard = await listen(client().channels.get(name))
    await client({ clientId: 'bob' }).channels.get(name).presence.update('here')
    match((await heard.until(1)).map(said), [[(await heard.until(1))[0]!.action, 'bob', 'here']])
    equal(namesOf(await client().channels.get(name).presence.get()), ['bob'])
  },

  async 'a client that closes leaves at once'({ client, plainName }) {
    const name = plainName()
    const heard = await listen(client().channels.get(name))
    const bob = client({ clientId: 'bob' })
    await bob.channels.get(name).presence.enter('x')
    bob.close()
    equal((await heard.until(2)).map(said)[1], ['leave', 'bob', 'x'])
  },

  async 'a client that detaches leaves at once'({ client, plainName }) {
    const name = plainName()
    const heard = await listen(client().channels.get(name))
    const bob = client({ clientId: 'bob' }).channels.get(name)
    await bob.presence.enter('x')
    await bob.detach()
    equal((await heard.until(2)).map(said)[1], ['leave', 'bob', 'x'])
  },

  async 'a dropped client that reconnects never leaves'({ client, plainName, drop, target }) {
    const name = plainName()
    const watcher = client().channels.get(name)
    const heard = await listen(watcher)
    const bob = client({ clientId: 'bob', transportParams: { remainPresentFor: target.remainPresentFor } })
    const channel = bob.channels.get(name)
    await channel.presence.enter('x')
    const [gone, back] = [nextState(bob, 'disconnected'), nextEvent(channel, 'attached')]
    drop(bob)
    await gone
    await back
    await sleep(target.remainPresentFor + 200)
    equal(heard.items.map(said), [['enter', 'bob', 'x']])
    equal(namesOf(await watcher.presence.get()), ['bob'])
  },

  async 'a suspended client learns which members left meanwhile, and no others'({ client, plainName, suspend }) {
    const name = plainName()
    const main = client({ clientId: 'main' })
    const channel = main.channels.get(name)
    const heard = await listen(channel)
    const other = client({ clientId: 'leaves' })
    await channel.presence.enter()
    await client({ clientId: 'stays' }).channels.get(name).presence.enter()
    await other.channels.get(name).presence.enter('x')
    await heard.until(3)
    await suspend(main)
    await rejects(channel.presence.get(), { code: 91_005 })
    other.close()
    await inState(other, 'closed')
    main.connect()
    await heard.until(4)
    equal(namesOf(await channel.presence.get()), ['main', 'stays'])
    equal(heard.items.slice(3).map(said), [['leave', 'leaves', 'x']])
  },

  async 'a client on a new connection enters again, and its old member leaves'({
    client,
    plainName,
    suspend,
    forget,
    target,
  }) {
    const name = plainName()
    const bob = client({ clientId: 'bob', transportParams: { remainPresentFor: target.remainPresentFor } })
    await bob.channels.get(name).presence.enter('x')
    const { id } = bob.connection
    const heard = await listen(client().channels.get(name))
    await heard.until(1)
    await suspend(bob)
    forget(bob)
    bob.connect()
    const told = (await heard.until(3)).map(({ action, connectionId }) => [action, connectionId === id])
    equal(told, [
      ['present', true],
      ['enter', false],
      ['leave', true],
    ])
    truth(heard.items[1]?.id !== heard.items[0]?.id, 'it enters under an id of its own')
  },

  async 'can be read over REST, and has a history'({ client, rest, plainName }) {
    const name = plainName()
    const host = client().channels.get(name)
    await host.presence.enterClient('a', { n: 1 })
    await host.presence.enterClient('b', { n: 2 })
    const reader = rest().channels.get(name).presence
    await eventually(
      async () => (await reader.get()).items.length === 2,
      () => 'two members',
    )
    equal(namesOf((await reader.get()).items), ['a', 'b'])
    equal((await reader.get({ clientId: 'b' })).items.map(said), [['present', 'b', { n: 2 }]])
    equal((await reader.get({ limit: 1 })).items.length, 1)
    await host.presence.leaveClient('a')
    await eventually(
      async () => (await reader.history()).items.length === 3,
      () => 'three events',
    )
    const { items } = await reader.history({ direction: 'forwards', limit: 3 })
    equal(
      items.map(({ action, clientId }) => [action, clientId]),
      [
        ['enter', 'a'],
        ['enter', 'b'],
        ['leave', 'a'],
      ],
    )
  },

  async 'needs a client id and the capability'({ client, visitor, token, plainName }) {
    const name = plainName()
    const bob = client({ clientId: 'bob' }).channels.get(name)
    await rejects(bob.presence.enterClient('eve'), { code: 40_012 })
    const details = await token({ clientId: 'mute', capability: { [name]: ['subscribe'] } })
    const mute = visitor({ tokenDetails: details }).channels.get(name)
    await rejects(mute.presence.enter(), { code: 40_160 })
  },
})
