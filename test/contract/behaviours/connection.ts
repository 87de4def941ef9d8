import type * as Ably from 'ably'
import { equal, match, rejects, truth } from '../assert'
import { area } from '../stage'
import { datas, eventually, inState, nextEvent, nextState, subscribe } from '../watch'

export const connecting = area('connecting:', {
  async 'each client gets an id and a key'({ client }) {
    const [a, b] = [client(), client()]
    await Promise.all([inState(a, 'connected'), inState(b, 'connected')])
    truth(a.connection.id && b.connection.id && a.connection.id !== b.connection.id, 'ids differ')
    truth(a.connection.key && a.connection.key !== b.connection.key, 'keys differ')
  },

  async 'a ping is answered'({ client }) {
    const one = client()
    await inState(one, 'connected')
    truth((await one.connection.ping()) > 0, 'a time is told')
  },

  async 'the time can be read without credentials'({ rest }) {
    truth(Math.abs((await rest().time()) - Date.now()) < 120_000, 'the time is about right')
  },

  async 'the time comes in the requested format'({ rest }) {
    const answer = await rest().request<number>('get', '/time', 6)
    match(answer, { success: true, statusCode: 200 })
    equal(
      answer.items.map((time) => typeof time),
      ['number'],
    )
  },

  async 'a client that closes and connects again has a new connection'({ client }) {
    const one = client()
    await inState(one, 'connected')
    const { id } = one.connection
    one.close()
    await inState(one, 'closed')
    one.connect()
    await inState(one, 'connected')
    truth(one.connection.id && one.connection.id !== id, 'the id is new')
  },

  async 'a wrong secret fails the connection'({ client, keyName }) {
    const { reason } = await nextState(client({ key: `${keyName}:wrong` }), 'failed')
    match(reason, { code: 40_101, statusCode: 401 })
  },

  async 'a key of an unknown app fails the connection'({ client }) {
    match((await nextState(client({ key: 'no.such:secret' }), 'failed')).reason, { code: 40_101, statusCode: 401 })
  },

  async 'an invalid recovery key gives a new connection with an error'({ client }) {
    const recover = JSON.stringify({ connectionKey: '_____!no-such-key____', msgSerial: 3, channelSerials: {} })
    const one = client({ recover })
    match((await nextState(one, 'connected')).reason, { code: 80_018 })
    await one.channels.get('contract').publish('n', 'x')
  },
})

/** The text of one message, as a subscriber builds it from the deliveries. */
const textOf = (items: readonly Ably.InboundMessage[]) =>
  items.reduce((text, { action, data }) => (action === 'message.append' ? text + String(data) : String(data)), '')

export const resuming = area('reconnecting:', {
  async 'a dropped client resumes its connection and misses no message'({ client, rest, plainName, drop }) {
    const name = plainName()
    const one = client()
    const channel = one.channels.get(name)
    const box = await subscribe(channel)
    const sender = rest().channels.get(name)
    await sender.publish('n', '1')
    await box.until(1)
    const { id, key } = one.connection
    const [gone, back, attached] = [
      nextState(one, 'disconnected'),
      nextState(one, 'connected'),
      nextEvent(channel, 'attached'),
    ]
    drop(one)
    await gone
    await sender.publish([{ data: '2' }, { data: '3' }])
    equal((await back).reason, undefined, 'reason')
    equal(one.connection.id, id, 'connection id')
    truth(one.connection.key !== key, 'the key is new')
    match(await attached, { resumed: true }, 'attached')
    await sender.publish('n', '4')
    equal(datas(await box.until(4)), ['1', '2', '3', '4'])
  },

  async 'a message sent but not acknowledged is published once'({ client, rest, plainName, drop }) {
    const name = plainName()
    const one = client()
    await inState(one, 'connected')
    const published = Array.from({ length: 5 }, (_, i) => one.channels.get(name).publish('n', String(i)))
    drop(one)
    await Promise.all(published)
    const { items } = await rest().channels.get(name).history({ direction: 'forwards' })
    equal(datas(items), ['0', '1', '2', '3', '4'])
  },

  async 'a new client recovers the connection of a closed one'({ client, rest, plainName, suspend }) {
    const name = plainName()
    const one = client()
    const channel = one.channels.get(name)
    await (await subscribe(channel)).until(0)
    const { id } = one.connection
    const key = one.connection.createRecoveryKey()
    truth(key, 'there is a recovery key')
    await suspend(one)
    await rest().channels.get(name).publish('n', 'meanwhile')
    const two = client({ recover: key })
    const again = two.channels.get(name)
    const attached = nextEvent(again, 'attached')
    const box = await subscribe(again)
    equal((await box.until(1))[0]?.data, 'meanwhile')
    equal([two.connection.id, (await attached).resumed], [id, true])
  },

  async 'a resumed channel delivers a whole message first, then its appends'({ client, rest, mutableName, drop }) {
    const name = mutableName()
    const one = client()
    const channel = one.channels.get(name)
    const box = await subscribe(channel)
    const sender = rest().channels.get(name)
    const { serials } = await sender.publish('n', 'a')
    await box.until(1)
    const [gone, attached] = [nextState(one, 'disconnected'), nextEvent(channel, 'attached')]
    drop(one)
    await gone
    for (const data of ['b', 'c']) await sender.appendMessage({ serial: serials[0]!, data })
    await attached
    await box.until(2)
    equal(box.items[1]?.action, 'message.update', 'what comes first')
    await eventually(
      () => textOf(box.items) === 'abc',
      () => `abc, not ${textOf(box.items)}`,
    )
  },

  async 'a REST request decodes the response in the format of the client'({ rest }) {
    const { statusCode, items } = await rest().request('get', '/time', 6)
    equal(statusCode, 200)
    equal(items.length, 1)
    equal(typeof (await rest().time()), 'number')
  },

  async 'a REST request with an error status returns the error code'({ rest }) {
    const answer = await rest().request('get', '/keys/no.such/requestToken', 6)
    match(answer, { success: false, statusCode: 404, errorCode: 40_400 })
    await rejects(rest().channels.get('').publish('n', 'x'), { code: 40_010 })
  },
})
