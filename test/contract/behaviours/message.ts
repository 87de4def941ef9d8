import { equal, match, rejects, truth } from '../assert'
import { area } from '../stage'
import { datas, deeds, inState, subscribe } from '../watch'

const bytes = new Uint8Array([0, 1, 127, 128, 255])
const toList = (data: unknown) => [...new Uint8Array(data instanceof ArrayBuffer ? data : (data as Uint8Array))]

export const publishing = area('publishing:', {
  async 'delivers name, data, extras and client id'({ client, plainName }) {
    const name = plainName()
    const one = client({ clientId: 'bob' })
    const box = await subscribe(one.channels.get(name))
    const extras = { headers: { a: 'b' } }
    const { serials } = await one.channels.get(name).publish({ name: 'greeting', data: 'hello', extras })
    const [message] = await box.until(1)
    match(message, {
      name: 'greeting',
      data: 'hello',
      extras,
      clientId: 'bob',
      action: 'message.create',
      serial: serials[0],
    })
    match(message, { connectionId: one.connection.id, version: { serial: serials[0] } })
    truth(Math.abs(message!.timestamp - Date.now()) < 120_000, 'the timestamp is about right')
  },

  async 'delivers every kind of data, in both formats'({ client, otherFormat, plainName }) {
    const name = plainName()
    const boxes = [await subscribe(client().channels.get(name)), await subscribe(otherFormat().channels.get(name))]
    const kinds: unknown[] = ['text', '', { a: [1, { b: null }] }, ['x', 2], undefined]
    const channel = client().channels.get(name)
    for (const data of kinds) await channel.publish('n', data)
    await channel.publish('n', bytes)
    for (const box of boxes) {
      const received = await box.until(kinds.length + 1)
      equal(datas(received).slice(0, kinds.length), kinds)
      equal(toList(received.at(-1)?.data), [...bytes])
    }
  },

  async 'over REST delivers every kind of data, too'({ rest, otherFormat, plainName }) {
    const name = plainName()
    const box = await subscribe(otherFormat().channels.get(name))
    for (const data of ['text', { a: 1 }, bytes]) await rest().channels.get(name).publish('n', data)
    const received = await box.until(3)
    equal(datas(received).slice(0, 2), ['text', { a: 1 }])
    equal(toList(received[2]?.data), [...bytes])
    const { items } = await rest().channels.get(name).history({ direction: 'forwards' })
    equal(toList(items[2]?.data), [...bytes])
  },

  async 'works without name and data, and without attaching'({ client, rest, plainName }) {
    const name = plainName()
    await client()
      .channels.get(name)
      .publish(null as unknown as string, null)
    equal((await rest().channels.get(name).history()).items.length, 1)
  },

  async 'keeps a batch together and in order'({ client, plainName }) {
    const name = plainName()
    const box = await subscribe(client().channels.get(name))
    const { serials } = await client()
      .channels.get(name)
      .publish([{ data: '1' }, { data: '2' }, { data: '3' }])
    const received = await box.until(3)
    equal(datas(received), ['1', '2', '3'])
    equal(
      received.map(({ serial }) => serial),
      serials,
    )
    truth(
      serials.every((serial, i) => i === 0 || (serials[i - 1] ?? '') < (serial ?? '')),
      'serials are in order',
    )
  },

  async 'gives serials that grow'({ client, rest, plainName }) {
    const name = plainName()
    const results = [
      await client().channels.get(name).publish('n', '1'),
      await rest().channels.get(name).publish('n', '2'),
    ]
    const [first, second] = results.map(({ serials }) => serials[0])
    truth(first && second && first < second, `${first} comes before ${second}`)
  },

  async 'keeps message ids, and generates missing ones'({ client, plainName }) {
    const name = plainName()
    const one = client()
    const box = await subscribe(one.channels.get(name))
    await one.channels.get(name).publish({ id: 'mine', data: '1' })
    await one.channels.get(name).publish('n', '2')
    const [first, second] = await box.until(2)
    equal(first?.id, 'mine')
    truth(second?.id.startsWith(`${one.connection.id}:`), `${second?.id} starts with the connection id`)
  },

  async 'publishes a message with the same id once'({ rest, plainName }) {
    const channel = rest().channels.get(plainName())
    const [first, second] = [
      await channel.publish({ id: 'once', data: '1' }),
      await channel.publish({ id: 'once', data: '1' }),
    ]
    equal((await channel.history()).items.length, 1)
    truth(first.serials[0], 'there is a serial')
    truth(second, 'the second is answered as well')
  },

  async 'refuses a batch whose ids do not belong together'({ rest, plainName }) {
    const channel = rest().channels.get(plainName())
    await rejects(channel.publish([{ id: 'a:0' }, { id: 'b:1' }]), { code: 40_031, statusCode: 400 })
    await channel.publish([{ id: 'c:0' }, { id: 'c:1' }])
  },

  async 'refuses a message that is too large'({ client, plainName }) {
    const channel = client().channels.get(plainName())
    await channel.attach()
    await rejects(channel.publish('n', 'x'.repeat(70_000)), { code: 40_009 })
    await channel.publish('n', 'small')
  },

  async 'echoes nothing to a client with echo turned off'({ client, plainName }) {
    const name = plainName()
    const quiet = client({ echoMessages: false })
    const box = await subscribe(quiet.channels.get(name))
    await quiet.channels.get(name).publish('n', 'own')
    await client().channels.get(name).publish('n', 'other')
    equal(datas(await box.until(1)), ['other'])
  },

  async 'over REST can name a connection by its key'({ client, rest, plainName }) {
    const name = plainName()
    const [one, bob] = [client(), client({ clientId: 'bob' })]
    const box = await subscribe(one.channels.get(name))
    await inState(bob, 'connected')
    const channel = rest().channels.get(name)
    await channel.publish({ name: 'n', connectionKey: one.connection.key! })
    await channel.publish({ name: 'n', connectionKey: bob.connection.key!, clientId: 'bob' })
    const sources = (await box.until(2)).map(({ clientId, connectionId }) => [clientId, connectionId])
    equal(sources, [
      [undefined, one.connection.id],
      ['bob', bob.connection.id],
    ])
    await rejects(channel.publish({ data: 'x', connectionKey: 'no.such' }), { code: 40_006, statusCode: 400 })
  },

  async 'to several channels returns a result for each'({ token, rest, restVisitor, plainName }) {
    const [mine, other] = [plainName(), plainName()]
    const tokenDetails = await token({ capability: { [mine]: ['publish'] } })
    const spec = { channels: [mine, other], messages: [{ data: '1' }, { data: '2' }] }
    match(await restVisitor({ tokenDetails }).batchPublish(spec), {
      successCount: 1,
      failureCount: 1,
      results: [{ channel: mine }, { channel: other, error: { code: 40_160, statusCode: 401 } }],
    })
    equal(datas((await rest().channels.get(mine).history({ direction: 'forwards' })).items), ['1', '2'])
    equal((await rest().channels.get(other).history()).items, [])
  },

  async 'can be refused by the test'({ client, plainName }) {
    const channel = client().channels.get(plainName())
    await rejects(channel.publish({ data: 'x' }, { _forceNack: 'true' }), { code: 40_099 })
  },

  async 'over REST can be refused by the test'({ rest, plainName }) {
    const channel = rest().channels.get(plainName())
    await rejects(channel.publish({ data: 'x' }, { _forceNack: 'true' }), { code: 40_099, statusCode: 400 })
    equal((await channel.history()).items, [])
  },
})

export const history = area('history:', {
  async 'is read backwards in pages, unaffected by new messages'({ rest, plainName }) {
    const channel = rest().channels.get(plainName())
    await channel.publish(['1', '2', '3', '4', '5'].map((data) => ({ data })))
    const first = await channel.history({ limit: 2 })
    await channel.publish('n', '6')
    const second = await first.next()
    const third = await second?.next()
    equal(
      [first, second, third].map((page) => datas(page?.items ?? [])),
      [['5', '4'], ['3', '2'], ['1']],
    )
    equal([first.hasNext(), third?.hasNext(), third?.isLast()], [true, false, true])
  },

  async 'can be read forwards'({ rest, plainName }) {
    const channel = rest().channels.get(plainName())
    await channel.publish(['1', '2', '3'].map((data) => ({ data })))
    const first = await channel.history({ direction: 'forwards', limit: 2 })
    equal([datas(first.items), datas((await first.next())!.items)], [['1', '2'], ['3']])
    equal(datas((await (await first.next())!.first()).items), ['1', '2'])
  },

  async 'can be limited to a period'({ rest, plainName }) {
    const channel = rest().channels.get(plainName())
    for (const data of ['1', '2', '3']) {
      await channel.publish('n', data)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { items } = await channel.history({ direction: 'forwards' })
    const at = items[1]!.timestamp
    equal(datas((await channel.history({ start: at, end: at })).items), ['2'])
    equal(datas((await channel.history({ start: at, direction: 'forwards' })).items), ['2', '3'])
    equal(datas((await channel.history({ end: at })).items), ['2', '1'])
  },

  async 'with untilAttach ends at the attach'({ client, rest, plainName }) {
    const name = plainName()
    await rest()
      .channels.get(name)
      .publish([{ data: '1' }, { data: '2' }])
    const channel = client().channels.get(name)
    const box = await subscribe(channel)
    await rest().channels.get(name).publish('n', '3')
    await box.until(1)
    equal(datas((await channel.history({ untilAttach: true })).items), ['2', '1'])
  },

  async 'with untilAttach ends at the attach when read forwards in pages'({ client, rest, plainName }) {
    const name = plainName()
    const sender = rest().channels.get(name)
    for (const data of ['1', '2', '3']) await sender.publish('n', data)
    const channel = client().channels.get(name)
    await channel.attach()
    await sender.publish('n', '4')
    const first = await channel.history({ untilAttach: true, direction: 'forwards', limit: 2 })
    const second = await first.next()
    equal([datas(first.items), datas(second?.items ?? []), second?.hasNext()], [['1', '2'], ['3'], false])
  },

  async 'has at most a thousand messages per page'({ rest, plainName }) {
    const answer = await rest().request('get', `/channels/${plainName()}/messages`, 6, { limit: 1_001 })
    equal(answer.statusCode, 400)
  },
})

export const changing = area('changing messages:', {
  async 'a subscriber receives only the appended data'({ client, mutableName }) {
    const name = mutableName()
    const box = await subscribe(client().channels.get(name))
    const channel = client({ transportParams: { appendRollupWindow: 0 } }).channels.get(name)
    const { serials } = await channel.publish({ name: 'n', data: 'Hello' })
    await channel.appendMessage({ serial: serials[0]!, data: ' wide' })
    const { versionSerial } = await channel.appendMessage({ serial: serials[0]!, data: ' world' })
    const received = await box.until(3)
    equal(deeds(received), [
      ['message.create', 'Hello'],
      ['message.append', ' wide'],
      ['message.append', ' world'],
    ])
    match(received[2], { name: 'n', serial: serials[0], version: { serial: versionSerial } })
  },

  async 'fast appends can arrive as one'({ client, mutableName }) {
    const name = mutableName()
    const box = await subscribe(client().channels.get(name))
    const channel = client().channels.get(name)
    const { serials } = await channel.publish('n', '')
    const words = Array.from({ length: 20 }, (_, i) => `${i} `)
    await Promise.all(words.map((data) => channel.appendMessage({ serial: serials[0]!, data })))
    const text = () =>
      box.items
        .slice(1)
        .map(({ data }) => String(data))
        .join('')
    while (text().length < words.join('').length) await box.until(box.items.length + 1)
    equal(text(), words.join(''))
  },

  async 'a late subscriber gets the whole message first'({ client, rest, mutableName }) {
    const name = mutableName()
    const channel = rest().channels.get(name)
    const { serials } = await channel.publish('n', 'a')
    await channel.appendMessage({ serial: serials[0]!, data: 'b' })
    const box = await subscribe(client().channels.get(name))
    await channel.appendMessage({ serial: serials[0]!, data: 'c' })
    await box.until(1)
    await channel.appendMessage({ serial: serials[0]!, data: 'd' })
    equal(deeds(await box.until(2)), [
      ['message.update', 'abc'],
      ['message.append', 'd'],
    ])
  },

  async 'an update replaces the given fields and keeps the others'({ client, mutableName }) {
    const name = mutableName()
    const one = client({ clientId: 'bob' })
    const channel = one.channels.get(name)
    const box = await subscribe(channel)
    const { serials } = await channel.publish({ name: 'n', data: { v: 1 }, extras: { headers: { a: 'b' } } })
    const operation = { description: 'a better one', metadata: { reason: 'test' } }
    const { versionSerial } = await channel.updateMessage({ serial: serials[0]!, data: { v: 2 } }, operation)
    const updated = (await box.until(2))[1]!
    match(updated, {
      action: 'message.update',
      serial: serials[0],
      name: 'n',
      data: { v: 2 },
      extras: { headers: { a: 'b' } },
    })
    match(updated.version, { serial: versionSerial, clientId: 'bob', ...operation })
    truth(versionSerial! > serials[0]!, 'the version comes later')
    truth(updated.version.timestamp! > updated.timestamp, 'the version is younger')
  },

  async 'a delete keeps the data unless it names others'({ client, mutableName }) {
    const name = mutableName()
    const channel = client().channels.get(name)
    const box = await subscribe(channel)
    const { serials } = await channel.publish([{ data: 'a' }, { data: 'b' }])
    await channel.deleteMessage({ serial: serials[0]! })
    await channel.deleteMessage({ serial: serials[1]!, data: '' })
    equal(deeds((await box.until(4)).slice(2)), [
      ['message.delete', 'a'],
      ['message.delete', ''],
    ])
  },

  async 'over REST works the same way'({ client, rest, mutableName }) {
    const name = mutableName()
    const box = await subscribe(client().channels.get(name))
    const channel = rest().channels.get(name)
    const { serials } = await channel.publish('n', 'a')
    const serial = serials[0]!
    await channel.appendMessage({ serial, data: 'b' })
    await channel.updateMessage({ serial, data: 'c' })
    await channel.deleteMessage({ serial })
    equal(deeds(await box.until(4)), [
      ['message.create', 'a'],
      ['message.append', 'b'],
      ['message.update', 'c'],
      ['message.delete', 'c'],
    ])
  },

  async 'history has one item for each message, in its newest state'({ rest, mutableName }) {
    const channel = rest().channels.get(mutableName())
    const { serials } = await channel.publish([{ data: 'a' }, { data: 'x' }])
    await channel.appendMessage({ serial: serials[0]!, data: 'b' })
    const { items } = await channel.history({ direction: 'forwards' })
    equal(deeds(items), [
      ['message.update', 'ab'],
      ['message.create', 'x'],
    ])
  },

  async 'a message can be read by its serial, with all its versions'({ rest, mutableName }) {
    const channel = rest().channels.get(mutableName())
    const { serials } = await channel.publish('n', { v: 1 })
    const serial = serials[0]!
    await channel.updateMessage({ serial, data: { v: 2 } }, { description: 'second' })
    await channel.deleteMessage({ serial })
    match(await channel.getMessage(serial), { serial, name: 'n', data: { v: 2 }, action: 'message.delete' })
    const { items } = await channel.getMessageVersions(serial)
    equal(
      items.map(({ action }) => action),
      ['message.create', 'message.update', 'message.delete'],
    )
    match(items[1], { version: { description: 'second' } })
  },

  async 'an unknown message cannot be changed or read'({ client, rest, mutableName }) {
    const name = mutableName()
    const { serials } = await rest().channels.get(name).publish('n', 'x')
    const unknown = serials[0]!.replace(/\d/, '9').replace(/^\d{3}/, '000')
    await rejects(rest().channels.get(name).getMessage(unknown), { code: 40_400, statusCode: 404 })
    await rejects(client().channels.get(name).appendMessage({ serial: unknown, data: 'x' }), { code: 40_400 })
  },

  async 'needs a rule of the namespace'({ client, rest, plainName }) {
    const name = plainName()
    const { serials } = await rest().channels.get(name).publish('n', 'x')
    const change = { serial: serials[0]!, data: 'y' }
    await rejects(client().channels.get(name).appendMessage(change), { code: 93_002, statusCode: 400 })
    await rejects(rest().channels.get(name).updateMessage(change), { code: 93_002, statusCode: 400 })
  },
})
