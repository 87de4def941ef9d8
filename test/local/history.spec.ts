import { describe, expect, test } from 'vitest'
import { failure, formats, openInbox, startEndpoint } from '../support/local'

const datas = (items: { data?: unknown }[]) => items.map(({ data }) => data)

describe.each(formats)('history in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  async function filled(count: number) {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    for (let i = 1; i <= count; i++) await channel.publish('n', String(i))
    return { endpoint, channel, rest: endpoint.rest({}, binary).channels.get('ai:x') }
  }

  test('is read backwards in pages, unaffected by new messages', async () => {
    const { channel } = await filled(5)
    const first = await channel.history({ limit: 2 })
    await channel.publish('n', '6')
    const second = await first.next()
    const third = await second?.next()
    expect([first, second, third].map((page) => datas(page?.items ?? []))).toEqual([['5', '4'], ['3', '2'], ['1']])
    expect([first.hasNext(), second?.hasNext(), third?.hasNext()]).toEqual([true, true, false])
    expect(datas((await second!.first()).items)).toEqual(['6', '5'])
    expect(datas((await second!.current()).items)).toEqual(['3', '2'])
  })

  test('ends on a full page', async () => {
    const { channel } = await filled(2)
    expect((await channel.history({ limit: 2 })).isLast()).toBe(true)
  })

  test('is forgotten after two minutes if the namespace says so', async () => {
    let now = 1_700_000_000_000
    const namespaces = { brief: { persisted: false }, long: { persisted: true } }
    const endpoint = await startEndpoint({ namespaces, clock: { now: () => now } })
    const rest = endpoint.rest({}, binary)
    const counts = async () => {
      const pages = ['brief:x', 'long:x', 'other:x'].map((name) => rest.channels.get(name).history())
      return (await Promise.all(pages)).map(({ items }) => items.length)
    }
    for (const name of ['brief:x', 'long:x', 'other:x']) await rest.channels.get(name).publish('n', 'x')
    expect(await counts()).toEqual([1, 1, 1])
    now += 121_000
    expect(await counts()).toEqual([0, 1, 1])
  })

  test('is read forwards in pages', async () => {
    const { rest } = await filled(3)
    const first = await rest.history({ direction: 'forwards', limit: 2 })
    expect([datas(first.items), datas((await first.next())!.items)]).toEqual([['1', '2'], ['3']])
  })

  test('can be limited to a period, ends included', async () => {
    let now = 1_700_000_000_000
    const endpoint = await startEndpoint({ clock: { now: () => now } })
    const channel = endpoint.rest({}, binary).channels.get('ai:x')
    for (const data of ['1', '2', '3', '4']) {
      await channel.publish('n', data)
      now += 1_000
    }
    const range = { start: 1_700_000_001_000, end: 1_700_000_002_000 }
    expect(datas((await channel.history(range)).items)).toEqual(['3', '2'])
    expect(datas((await channel.history({ ...range, direction: 'forwards' })).items)).toEqual(['2', '3'])
  })

  test('stops at the attach, where live delivery starts', async () => {
    const { endpoint, rest } = await filled(3)
    const late = endpoint.client({}, binary).channels.get('ai:x')
    const inbox = await openInbox(late)
    await rest.publish('n', '4')
    const first = await late.history({ untilAttach: true, limit: 2 })
    expect([datas(first.items), datas((await first.next())!.items)]).toEqual([['3', '2'], ['1']])
    expect(datas(await inbox.take(1))).toEqual(['4'])
  })

  test('contains whole messages', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' }, binary)
    const channel = client.channels.get('ai:x')
    const data = Buffer.from([1, 2, 3])
    const { serials } = await channel.publish({ name: 'n', data, extras: { headers: { a: 'b' } } })
    const [message] = (await endpoint.rest({}, binary).channels.get('ai:x').history()).items
    expect(message).toMatchObject({
      name: 'n',
      clientId: 'bob',
      serial: serials[0],
      connectionId: client.connection.id,
    })
    expect(message).toMatchObject({ action: 'message.create', extras: { headers: { a: 'b' } } })
    expect(Buffer.from(message?.data as Uint8Array)).toEqual(data)
    expect(message?.timestamp).toBeCloseTo(Date.now(), -4)
  })

  test('is empty for an unused channel', async () => {
    const endpoint = await startEndpoint()
    const page = await endpoint.rest({}, binary).channels.get('ai:nobody').history()
    expect([page.items, page.hasNext()]).toEqual([[], false])
  })

  test.each([{ limit: 1_001 }, { limit: 0 }, { start: 'soon' }, { direction: 'sideways' }])(
    'refuses the parameters %o',
    async (params) => {
      const { rest } = await filled(1)
      expect(await failure(rest.history(params as object))).toMatchObject({ code: 40_000, statusCode: 400 })
    },
  )

  test('drops the oldest messages when the channel is full', async () => {
    const endpoint = await startEndpoint({ limits: { maxChannelMessages: 3 } })
    const channel = endpoint.client({}, binary).channels.get('ai:x')
    for (let i = 1; i <= 8; i++) await channel.publish('n', String(i))
    expect(datas((await channel.history()).items)).toEqual(['8', '7', '6'])
  })

  test('of all channels together stays within a limit', async () => {
    const endpoint = await startEndpoint({ limits: { maxStoredBytes: 100_000 } })
    const rest = endpoint.rest({}, binary)
    for (const name of ['ai:a', 'ai:b', 'ai:c']) await rest.channels.get(name).publish('n', 'x'.repeat(60_000))
    const counts = ['ai:a', 'ai:b', 'ai:c'].map(async (name) => (await rest.channels.get(name).history()).items.length)
    expect(await Promise.all(counts)).toEqual([0, 1, 1])
  })
})
