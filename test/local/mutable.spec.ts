import type * as Ably from 'ably'
import { describe, expect, test } from 'vitest'
import { failure, formats, openInbox, startEndpoint } from '../support/local'

const atOnce = { transportParams: { appendRollupWindow: '0' } }
const facts = ({ action, data }: { action?: string; data?: unknown }) => [action, data]

/** Takes deliveries until their data adds up to this text. */
async function takeText(inbox: { take(count: number): Promise<Ably.InboundMessage[]> }, text: string) {
  const all: Ably.InboundMessage[] = []
  while (all.map(({ data }) => data as string).join('').length < text.length) all.push(...(await inbox.take(1)))
  expect(all.map(({ data }) => data as string).join('')).toBe(text)
  return all
}

describe.each(formats)('changing messages in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }

  async function scene(options: Ably.ClientOptions = atOnce) {
    const endpoint = await startEndpoint()
    const channel = endpoint.client({ clientId: 'agent' }, { ...binary, ...options }).channels.get('ai:x')
    const reader = endpoint.client({ clientId: 'bob' }, binary).channels.get('ai:x')
    const inbox = await openInbox(reader)
    const extras = { headers: { status: 'streaming' } }
    const { serials } = await channel.publish({ name: 'n', data: 'Hel', extras })
    await inbox.take(1)
    return { endpoint, channel, inbox, serial: serials[0]!, rest: endpoint.rest({}, binary).channels.get('ai:x') }
  }

  test('appends, and sends only the addition to clients that have the earlier data', async () => {
    const { channel, inbox, serial, rest } = await scene()
    const extras = { headers: { status: 'complete' } }
    const first = await channel.appendMessage({ serial, data: 'lo' })
    const second = await channel.appendMessage({ serial, data: '!', extras })
    const [a, b] = await inbox.take(2)
    expect([a, b].map((message) => facts(message!))).toEqual([
      ['message.append', 'lo'],
      ['message.append', '!'],
    ])
    expect(a).toMatchObject({ serial, name: 'n', extras: { headers: { status: 'streaming' } } })
    expect(b).toMatchObject({ serial, extras, version: { serial: second.versionSerial, clientId: 'agent' } })
    expect(second.versionSerial! > first.versionSerial!).toBe(true)
    const stored = await rest.getMessage(serial)
    expect(facts(stored)).toEqual(['message.update', 'Hello!'])
    expect(stored).toMatchObject({ serial, extras, clientId: 'agent', version: { serial: second.versionSerial } })
    expect(stored.version?.timestamp).toBeGreaterThan(stored.timestamp!)
  })

  test('appends bytes to bytes, but not to text', async () => {
    const { channel, serial, rest } = await scene()
    const { serials } = await channel.publish('b', Buffer.from([1]))
    for (let i = 2; i < 40; i++) await channel.appendMessage({ serial: serials[0]!, data: Buffer.from([i]) })
    const stored = await rest.getMessage(serials[0]!)
    expect([...(stored.data as Uint8Array)]).toEqual(Array.from({ length: 39 }, (_, i) => i + 1))
    expect(await failure(channel.appendMessage({ serial, data: Buffer.from([1]) }))).toMatchObject({ code: 40_013 })
  })

  test('delivers the whole message to late clients once, then the additions', async () => {
    const { endpoint, channel, serial } = await scene()
    const late = await openInbox(endpoint.client({}, binary).channels.get('ai:x'))
    const wanting = endpoint.client({}, binary).channels.get('ai:x', { params: { appendMode: 'full' } })
    const full = await openInbox(wanting)
    await channel.appendMessage({ serial, data: 'lo' })
    await channel.appendMessage({ serial, data: '!' })
    expect((await late.take(2)).map(facts)).toEqual([
      ['message.update', 'Hello'],
      ['message.append', '!'],
    ])
    expect((await full.take(2)).map(facts)).toEqual([
      ['message.update', 'Hello'],
      ['message.update', 'Hello!'],
    ])
  })

  test('updates the given fields and keeps the others', async () => {
    const { channel, inbox, serial, rest } = await scene()
    const operation = { description: 'typo', metadata: { by: 'hand' } }
    const { versionSerial } = await channel.updateMessage({ serial, data: { text: 'Hi' } }, operation)
    const version = { serial: versionSerial, clientId: 'agent', ...operation }
    const expected = { action: 'message.update', name: 'n', data: { text: 'Hi' }, version }
    expect(await inbox.take(1)).toMatchObject([expected])
    expect(await rest.getMessage(serial)).toMatchObject({ ...expected, extras: { headers: { status: 'streaming' } } })
  })

  test('deletes, and keeps the data', async () => {
    const { channel, inbox, serial, rest } = await scene()
    await channel.deleteMessage({ serial })
    expect((await inbox.take(1)).map(facts)).toEqual([['message.delete', 'Hel']])
    expect((await rest.history()).items.map(facts)).toEqual([['message.delete', 'Hel']])
  })

  test('changes messages over REST too', async () => {
    const { inbox, serial, rest } = await scene()
    const { versionSerial } = await rest.appendMessage({ serial, data: 'lo' })
    await rest.updateMessage({ serial, name: 'renamed' })
    await rest.deleteMessage({ serial })
    const all = await inbox.take(3)
    expect(all.map(facts)).toEqual([
      ['message.append', 'lo'],
      ['message.update', 'Hello'],
      ['message.delete', 'Hello'],
    ])
    expect(all.map(({ name }) => name)).toEqual(['n', 'renamed', 'renamed'])
    expect(all[0]?.version.serial).toBe(versionSerial)
  })

  test('lists versions, oldest first, without appends', async () => {
    const { channel, serial, rest } = await scene()
    await channel.appendMessage({ serial, data: 'lo' })
    await channel.updateMessage({ serial, name: 'm' })
    await channel.deleteMessage({ serial })
    const page = await rest.getMessageVersions(serial, { limit: '2' })
    expect(page.items.map(facts)).toEqual([
      ['message.create', 'Hel'],
      ['message.update', 'Hello'],
    ])
    expect((await page.next())?.items.map(facts)).toEqual([['message.delete', 'Hello']])
  })

  test('shows each message once in history, where it was created', async () => {
    const { channel, serial, rest } = await scene()
    await channel.publish('other', 'x')
    await channel.appendMessage({ serial, data: 'lo' })
    expect((await rest.history()).items.map(facts)).toEqual([
      ['message.create', 'x'],
      ['message.update', 'Hello'],
    ])
  })

  test('merges appends within the window', async () => {
    const { channel, inbox, serial, rest } = await scene({ transportParams: { appendRollupWindow: '100' } })
    const words = ['lo', ' the', 're', ', you', '!']
    const results = await Promise.all(words.map((data) => channel.appendMessage({ serial, data })))
    expect(new Set(results.map(({ versionSerial }) => versionSerial)).size).toBe(words.length)
    const all = await takeText(inbox, words.join(''))
    expect(all.map(({ data }) => data as unknown)).toEqual(['lo', ' there, you!'])
    expect(all[1]?.version.serial).toBe(results.at(-1)?.versionSerial)
    expect((await rest.getMessage(serial)).data).toBe('Hello there, you!')
  })

  test('shows acknowledged appends to readers, though the rollup window is still open', async () => {
    const { channel, serial, rest, endpoint } = await scene({ transportParams: { appendRollupWindow: '500' } })
    await channel.appendMessage({ serial, data: 'lo' })
    await channel.appendMessage({ serial, data: '!' })
    expect((await rest.getMessage(serial)).data).toBe('Hello!')
    await channel.appendMessage({ serial, data: '?' })
    await channel.appendMessage({ serial, data: '?' })
    const late = endpoint.client({}, binary).channels.get('ai:x')
    const inbox = await openInbox(late)
    expect((await late.history({ untilAttach: true })).items.map(facts)).toEqual([['message.update', 'Hello!??']])
    expect(inbox.pending).toEqual([])
  })

  test('lets an update in the rollup window replace held-back appends', async () => {
    const { channel, inbox, serial, rest } = await scene({ transportParams: { appendRollupWindow: '100' } })
    await Promise.all([
      channel.appendMessage({ serial, data: 'p' }),
      channel.appendMessage({ serial, data: '???' }),
      channel.updateMessage({ serial, data: 'Hi' }),
      channel.appendMessage({ serial, data: '!' }),
    ])
    expect((await inbox.take(2)).map(facts)).toEqual([
      ['message.append', 'p'],
      ['message.update', 'Hi!'],
    ])
    expect((await rest.getMessage(serial)).data).toBe('Hi!')
  })

  test('does not lose appends to an update of another field', async () => {
    const { channel, serial, rest } = await scene({ transportParams: { appendRollupWindow: '100' } })
    await Promise.all([
      channel.appendMessage({ serial, data: 'p' }),
      channel.appendMessage({ serial, data: '!' }),
      channel.updateMessage({ serial, extras: { headers: { status: 'cancelled' } } }),
      channel.appendMessage({ serial, data: '?' }),
    ])
    const stored = await rest.getMessage(serial)
    expect(stored).toMatchObject({ data: 'Help!?', extras: { headers: { status: 'cancelled' } } })
  })

  test('keeps the order of changes by different publishers', async () => {
    const { channel, inbox, serial, rest } = await scene({ transportParams: { appendRollupWindow: '500' } })
    await channel.appendMessage({ serial, data: '1' })
    await channel.appendMessage({ serial, data: '2' })
    await rest.appendMessage({ serial, data: '3' })
    const all = await takeText(inbox, '123')
    const versions = all.map(({ version }) => version.serial)
    expect(versions.every((version, i) => i === 0 || version! > versions[i - 1]!)).toBe(true)
  })

  test('is refused if the namespace does not allow it', async () => {
    const endpoint = await startEndpoint({ namespaces: { notes: { mutableMessages: true } } })
    const client = endpoint.client({}, binary)
    const outcome = async (name: string) => {
      const channel = client.channels.get(name)
      const { serials } = await channel.publish('n', 'a')
      return await channel.appendMessage({ serial: serials[0]!, data: 'b' }).then(
        () => 'fine',
        (error: Ably.ErrorInfo) => error.code,
      )
    }
    const names = ['ai', 'ai:x', 'notes:x', 'chat:x', 'aid:x']
    expect(await Promise.all(names.map(outcome))).toEqual(['fine', 'fine', 'fine', 93_002, 93_002])
    const rest = endpoint.rest({}, binary).channels.get('chat:x')
    expect(await failure(rest.appendMessage({ serial: 'any', data: 'b' }))).toMatchObject({ code: 93_002 })
  })

  test('is refused for an unknown message', async () => {
    const { channel, rest } = await scene()
    const missing = { serial: '01700000000000-000@nowhere:000', data: 'x' }
    expect(await failure(channel.appendMessage(missing))).toMatchObject({ code: 40_400, statusCode: 404 })
    expect(await failure(rest.updateMessage(missing))).toMatchObject({ code: 40_400 })
    expect(await failure(rest.getMessage(missing.serial))).toMatchObject({ code: 40_400 })
  })
})
