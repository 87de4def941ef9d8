import { appendFile, copyFile, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Ably from 'ably'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLocalEndpoint } from '../../src/local'
import { fullCapability } from '../../src/local/auth/capability'
import { Channel } from '../../src/local/channel/channel'
import type { Entry } from '../../src/local/channel/log'
import { preparePublish } from '../../src/local/channel/publish'
import { createSerials } from '../../src/local/channel/serial'
import { defaultLimits } from '../../src/local/limits'
import { Service } from '../../src/local/service'
import { noJournal } from '../../src/local/persist/journal'
import { inState, nextEvent, nextState, openInbox, startEndpoint, type TestEndpoint } from '../support/local'

let file: string
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'local-ably-')), 'channels.log')
})

const datas = (items: readonly { data?: unknown }[]) => items.map(({ data }) => data)
const bytes = new Uint8Array([0, 255])

describe('a file of the option `persist`', () => {
  test('restores everything as it was', async () => {
    const before = await startEndpoint({ persist: file })
    const channel = before.rest().channels.get('ai:x')
    const { serials } = await channel.publish([
      { name: 'n', data: 'a', extras: { headers: { k: 'v' } } },
      { data: bytes },
    ])
    await channel.appendMessage({ serial: serials[0]!, data: 'b' })
    await channel.updateMessage({ serial: serials[1]!, data: { c: 1 } }, { description: 'better' })
    await channel.publish('n', 'gone')
    const history = async (rest: Ably.Rest) => (await rest.channels.get('ai:x').history()).items
    const versions = async (rest: Ably.Rest) => (await rest.channels.get('ai:x').getMessageVersions(serials[1]!)).items
    const known = [await history(before.rest()), await versions(before.rest())]
    await before.close()

    const after = await startEndpoint({ persist: file })
    expect(after.key).toBe(before.key)
    expect([await history(after.rest()), await versions(after.rest())]).toEqual(known)
    const again = await after.rest().channels.get('ai:x').publish('n', 'later')
    expect(again.serials[0]! > serials[0]!).toBe(true)
    await after.close()
    const third = await startEndpoint({ persist: file })
    expect(datas(await history(third.rest()))).toEqual(['later', 'gone', { c: 1 }, 'ab'])
  })

  test('is readable only for its owner, since it contains the key', async () => {
    await startEndpoint({ persist: file })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('is marked as in use until the last endpoint in this process closes, or if none could start', async () => {
    const isMarked = async () => (await readFile(`${file}.lock`, 'utf8').catch(() => '')) === String(process.pid)
    const [one, other] = [await startEndpoint({ persist: file }), await startEndpoint({ persist: file })]
    await one.close()
    expect(await isMarked()).toBe(true)
    await other.close()
    expect(await isMarked()).toBe(false)
    const { port } = await startEndpoint()
    await expect(startEndpoint({ persist: file, port })).rejects.toThrow('EADDRINUSE')
    expect(await isMarked()).toBe(false)
  })

  test('of a killed process can be used again', async () => {
    await writeFile(`${file}.lock`, '999999999')
    await startEndpoint({ persist: file })
    expect(await readFile(`${file}.lock`, 'utf8')).toBe(String(process.pid))
  })

  test('that a crash cut off is used up to the cut', async () => {
    const before = await startEndpoint({ persist: file })
    const channel = before.rest().channels.get('ai:x')
    for (const data of ['1', '2']) await channel.publish('n', data)
    const crashed = `${file}.crashed`
    await copyFile(file, crashed)
    await appendFile(crashed, '{"kind":"publish","channel":"ai:x","ser')
    const after = await startEndpoint({ persist: crashed })
    const rest = after.rest().channels.get('ai:x')
    await rest.publish('n', '3')
    expect(datas((await rest.history()).items)).toEqual(['3', '2', '1'])
  })

  test('that is damaged in the middle is refused', async () => {
    const before = await startEndpoint({ persist: file })
    await before.rest().channels.get('ai:x').publish('n', '1')
    await before.close()
    const lines = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, [lines[0], 'nonsense', ...lines.slice(1)].join('\n'))
    await expect(createLocalEndpoint({ persist: file })).rejects.toThrow(
      `unable to read ${file}:2; the line is damaged`,
    )
    await expect(stat(`${file}.lock`)).rejects.toThrow('ENOENT')
  })

  test('contains published message ids, so that none is published again', async () => {
    const before = await startEndpoint({ persist: file })
    const { serials } = await before.rest().channels.get('ai:x').publish({ id: 'once', data: '1' })
    await before.close()
    for (let i = 0; i < 2; i++) {
      const after = await startEndpoint({ persist: file })
      const channel = after.rest().channels.get('ai:x')
      expect((await channel.publish({ id: 'once', data: '1' })).serials).toEqual(serials)
      expect((await channel.history()).items).toHaveLength(1)
      await after.close()
    }
  })
})

test.each([1, 2, 3])('after a crash contains exactly the acknowledged operations (seed %i)', async (seed) => {
  const limits = { maxChannelMessages: 30 }
  const service = new Service({ persist: file, limits })
  await publishAtRandom(service, seed)
  await copyFile(file, `${file}.crashed`)
  const kept = contentsOf(service)
  const after = new Service({ persist: `${file}.crashed`, limits })
  expect(contentsOf(after)).toEqual(kept)
  after.close()
  const again = new Service({ persist: `${file}.crashed`, limits })
  expect(contentsOf(again)).toEqual(kept)
  for (const each of [service, again]) each.close()
})

/** Creates, updates, deletes and appends, some of them held back in a window. */
async function publishAtRandom(service: Service, seed: number) {
  const below = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n
  const grant = { keyName: 'app.id', clientId: '*', capability: fullCapability }
  const known: [channel: string, serial: string][] = []
  for (let i = 0; i < 1_000; i++) {
    const publisher = { identity: { grant }, connectionId: 'conn', window: below(3) * 10, idBase: `conn:${i}` }
    const publish = (channel: string, message: object) => preparePublish(service, publisher, channel, [message]).run()
    const [channel, serial] = known.at(-1 - below(20)) ?? []
    if (channel && serial && below(4) > 0) {
      // NOTE: the message can be forgotten by now
      if (service.channels.open(channel).log.find(serial))
        publish(channel, { action: [1, 2, 5][below(3)], serial, data: `${i}` })
    } else {
      const name = `ai:${below(9)}`
      known.push([name, publish(name, { data: below(2) ? `${i}` : { i } })[0]!])
    }
    if (below(50) === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const contentsOf = ({ channels }: Service) =>
  new Map(Array.from(channels, ({ name, log }) => [name, [log.floor, [...log.read({ forwards: true })].map(stateOf)]]))

const stateOf = ({ message, changedBy }: Entry) => ({ message, changedBy })

test('a message that cannot be written is not published', () => {
  const full = () => {
    throw new Error('no space left on device')
  }
  const next = createSerials(Date.now, 'boot')
  const channel = new Channel('x', {
    limits: defaultLimits,
    next,
    journal: { ...noJournal, publish: full },
    onGrow() {},
  })
  const publish = () => channel.publish([{ id: '1' }], 0, ({ id }, serial) => storedMessage(id, serial))
  expect(publish).toThrow('no space left on device')
  expect(channel.log.size).toBe(0)
})

const storedMessage = (id: string, serial: string) => ({
  id,
  serial,
  timestamp: 0,
  action: 0,
  version: { serial, timestamp: 0 },
})

describe('sessions', () => {
  const keys = ['app.id:secret']

  test('are resumed after a restart, and miss and repeat nothing', async () => {
    const before = await startEndpoint({ keys, persist: file })
    const { port } = before
    const client = before.client({ clientId: 'bob' })
    const channel = client.channels.get('ai:x')
    const inbox = await openInbox(channel)
    const { serials } = await channel.publish('n', '1')
    await inbox.take(1)
    const { id } = client.connection
    const gone = nextState(client, 'disconnected')
    await before.close()
    expect((await gone).reason).toMatchObject({ code: 80_003, statusCode: 503 })

    const pending = [channel.publish('n', '2'), channel.appendMessage({ serial: serials[0]!, data: '!' })]
    const attached = nextEvent(channel, 'attached')
    const after = await startEndpoint({ keys, port, persist: file })
    await after.rest().channels.get('ai:x').publish('n', 'meanwhile')
    client.connect()
    await inState(client, 'connected')
    expect(client.connection.id).toBe(id)
    expect(await attached).toMatchObject({ resumed: true })
    await Promise.all(pending)
    const { items } = await after.rest().channels.get('ai:x').history({ direction: 'forwards' })
    expect(datas(items).map(String).toSorted()).toEqual(['1!', '2', 'meanwhile'])
    const told = (await inbox.take(3)).map(({ action, data }) => `${action} ${String(data)}`)
    expect(told.toSorted()).toEqual(['message.create 2', 'message.create meanwhile', 'message.update 1!'])
    await client.connection.ping()
    expect(inbox.pending).toEqual([])
  })

  test('receive again only messages that a crash may have kept from them', async () => {
    const crash = async (from: string, to: string) => {
      await copyFile(from, to)
      return to
    }
    let now = Date.now()
    const clock = { now: () => now }
    const before = await startEndpoint({ keys, persist: file, clock })
    const writer = before.rest().channels.get('ai:x')
    const { serials } = await writer.publish([{ data: 'old' }, { data: 'new' }])
    await writer.appendMessage({ serial: serials[0]!, data: '!' })
    now += 10_000
    await writer.appendMessage({ serial: serials[1]!, data: '!' })
    const [client, read] = await readerOf(before)
    const gone = nextState(client, 'disconnected')
    before.dropConnection('reader', { refuseFor: Infinity })
    await gone
    const crashed = await crash(file, `${file}.1`)
    await before.close()

    const after = await startEndpoint({ keys, port: before.port, persist: crashed, clock })
    await inState(client, 'connected')
    await expect.poll(() => read).toEqual(['new!'])
    const again = nextState(client, 'disconnected')
    after.dropConnection('reader', { refuseFor: Infinity })
    await again
    const twice = await crash(crashed, `${file}.2`)
    await after.close()

    await startEndpoint({ keys, port: before.port, persist: twice, clock })
    await inState(client, 'connected')
    await client.channels.get('ai:x').whenState('attached')
    await client.connection.ping()
    expect(read).toEqual(['new!'])
  })

  test('without a file start anew, with a warning', async () => {
    const before = await startEndpoint({ keys })
    const client = before.client()
    const channel = client.channels.get('ai:x')
    await channel.attach()
    const gone = nextState(client, 'disconnected')
    await before.close()
    await gone
    const connected = nextState(client, 'connected')
    const attached = nextEvent(channel, 'attached')
    await startEndpoint({ keys, port: before.port })
    client.connect()
    expect((await connected).reason).toMatchObject({ code: 80_018 })
    expect(await attached).toMatchObject({ resumed: false, reason: { code: 90_003 } })
  })

  test('without an acknowledgement send again, and nothing is applied twice', async () => {
    const before = await startEndpoint({ keys, persist: file })
    const client = before.client({ clientId: 'bob' })
    const channel = client.channels.get('ai:x')
    const { serials } = await channel.publish('n', 'a')
    before.loseAck({ action: 'append' })
    const gone = nextState(client, 'disconnected')
    const appended = channel.appendMessage({ serial: serials[0]!, data: 'b' })
    await gone
    before.dropConnection('bob', { refuseFor: Infinity })
    await before.close()
    const after = await startEndpoint({ keys, port: before.port, persist: file })
    client.connect()
    expect((await appended).versionSerial).toBeTruthy()
    const message = await after.rest().channels.get('ai:x').getMessage(serials[0]!)
    expect(message.data).toBe('ab')
  })
})

/** A client that receives all messages from now on. */
async function readerOf(endpoint: TestEndpoint): Promise<[client: Ably.Realtime, read: unknown[]]> {
  const client = endpoint.client({ clientId: 'reader' })
  const read: unknown[] = []
  await client.channels.get('ai:x').subscribe(({ data }) => void read.push(data))
  return [client, read]
}
