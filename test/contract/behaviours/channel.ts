import { equal, match, rejects, truth } from '../assert'
import { area } from '../stage'
import { datas, inState, nextEvent, subscribe } from '../watch'

export const attaching = area('attaching:', {
  async 'grants the usual modes'({ client, plainName }) {
    const channel = client().channels.get(plainName())
    match(await channel.attach(), { current: 'attached', resumed: false, hasBacklog: false })
    const usual = ['presence', 'publish', 'subscribe', 'presence_subscribe'] as const
    truth(
      usual.every((mode) => channel.modes?.includes(mode)),
      'the usual modes are granted',
    )
  },

  async 'grants and enforces the requested modes'({ client, plainName }) {
    const name = plainName()
    const writer = client().channels.get(name, { modes: ['PUBLISH'] })
    const reader = client().channels.get(name, { modes: ['SUBSCRIBE'] })
    const box = await subscribe(reader)
    await writer.attach()
    await writer.publish('n', 'x')
    await box.until(1)
    equal([writer.modes, reader.modes], [['publish'], ['subscribe']])
    await rejects(reader.publish('n', 'y'), { code: 40_160, statusCode: 401 })
  },

  async 'prefers modes of the parameters over those of the options'({ client, plainName }) {
    const options = { modes: ['PUBLISH' as const], params: { modes: 'subscribe' } }
    const channel = client().channels.get(plainName(), options)
    await channel.attach()
    equal([channel.modes, channel.params], [['subscribe'], { modes: 'subscribe' }])
  },

  async 'returns the parameters that it knows'({ client, plainName }) {
    const channel = client().channels.get(plainName(), { params: { rewind: '1', nonexistent: 'foo' } })
    await channel.attach()
    equal(channel.params, { rewind: '1' })
  },

  async 'refuses invalid names, and stays connected'({ client }) {
    const one = client()
    await inState(one, 'connected')
    for (const name of ['', ':hell', '::']) {
      await rejects(one.channels.get(name).attach(), { code: 40_010, statusCode: 400 })
    }
    await rejects(one.channels.get(':other').publish('n', 'x'), { code: 40_010 })
    equal(one.connection.state, 'connected')
  },

  async 'a detached channel receives nothing'({ client, rest, plainName }) {
    const name = plainName()
    const one = client()
    const channel = one.channels.get(name)
    const box = await subscribe(channel)
    await channel.detach()
    await rest().channels.get(name).publish('n', 'x')
    await one.connection.ping()
    equal([channel.state, box.items], ['detached', []])
  },

  async 'other options take effect on an attached channel'({ client, rest, plainName }) {
    const name = plainName()
    const channel = client().channels.get(name)
    const box = await subscribe(channel)
    await channel.setOptions({ modes: ['SUBSCRIBE'] })
    equal(channel.modes, ['subscribe'])
    await rest().channels.get(name).publish('n', 'x')
    await box.until(1)
  },

  async 'attaches again after a detach, at the head'({ client, rest, plainName }) {
    const name = plainName()
    const channel = client().channels.get(name)
    const box = await subscribe(channel)
    await channel.detach()
    await rest().channels.get(name).publish('n', 'missed')
    match(await channel.attach(), { resumed: false })
    await rest().channels.get(name).publish('n', 'live')
    equal(datas(await box.until(1)), ['live'])
  },
})

export const rewinding = area('rewinding:', {
  async 'replays the newest messages, and joins history without a gap'({ client, rest, mutableName }) {
    const name = mutableName()
    for (const data of ['1', '2', '3', '4']) await rest().channels.get(name).publish('n', data)
    const channel = client().channels.get(name, { params: { rewind: '2' } })
    const attached = nextEvent(channel, 'attached')
    const box = await subscribe(channel)
    equal(datas(await box.until(2)), ['3', '4'])
    match(await attached, { hasBacklog: true })
    const { items } = await channel.history({ untilAttach: true })
    equal(datas(items).slice(-2), ['2', '1'])
  },

  async 'can be requested by time in the channel name'({ client, rest, plainName }) {
    const name = plainName()
    await rest().channels.get(name).publish('n', 'new')
    const box = await subscribe(client().channels.get(`[?rewind=30s]${name}`))
    await box.until(1)
    await rest().channels.get(name).publish('n', 'live')
    equal(datas(await box.until(2)), ['new', 'live'])
  },

  async 'gives the newest version of a message'({ client, rest, mutableName }) {
    const name = mutableName()
    const sender = rest().channels.get(name)
    const { serials } = await sender.publish('n', 'a')
    await sender.appendMessage({ serial: serials[0]!, data: 'b' })
    const box = await subscribe(client().channels.get(name, { params: { rewind: '1' } }))
    match(await box.until(1), [{ action: 'message.update', data: 'ab', serial: serials[0] }])
  },

  async 'refuses a rewind that is not a number or a duration'({ client, plainName }) {
    const channel = client().channels.get(plainName(), { params: { rewind: 'a week' } })
    const failed = await channel.attach().then(
      () => false,
      () => true,
    )
    truth(failed, 'the attach fails')
  },
})

export const metadata = area('a channel:', {
  async 'reports the number of its connections'({ client, rest, plainName }) {
    const name = plainName()
    await client().channels.get(name).attach()
    const { channelId, status } = await rest().channels.get(name).status()
    equal(channelId, name)
    equal(status.isActive, true)
    const { metrics } = status.occupancy
    const names = [
      'connections',
      'presenceConnections',
      'presenceMembers',
      'presenceSubscribers',
      'publishers',
      'subscribers',
    ] as const
    for (const metric of names) equal(typeof metrics[metric], 'number', metric)
  },
})
