import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Ably from 'ably'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { inState, nextEvent, nextState, openInbox } from '../support/local'
import { buildCommand, startCommand, startCommandWithin, type CommandProcess } from './process'

const keys = [{ keyName: 'app.one', keySecret: 'secret' }]
let folder: string
let config: string
const started: CommandProcess[] = []
const clients: Ably.Realtime[] = []

beforeAll(async () => {
  await buildCommand()
  folder = await mkdtemp(join(tmpdir(), 'local-ably-'))
  config = join(folder, 'app.json')
  await writeFile(config, JSON.stringify({ appId: 'app', keys }))
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await Promise.all(started.splice(0).map((each) => each.end('SIGKILL')))
})

const start = async (...args: string[]) => {
  const command = await startCommand('--config', config, ...args)
  started.push(command)
  return command
}

function connect({ port }: CommandProcess, options: Ably.ClientOptions = {}) {
  const place = { endpoint: '127.0.0.1', port, tls: false, transports: ['web_socket' as const] }
  const client = new Ably.Realtime({
    ...place,
    key: 'app.one:secret',
    logLevel: 0,
    disconnectedRetryTimeout: 50,
    ...options,
  })
  clients.push(client)
  return client
}

describe('the command in its own process', () => {
  test('responds with the time once it reports that it listens, and uses the configured key', async () => {
    const command = await start('--port', '0')
    expect(await (await fetch(`${command.url}/time`)).json()).toEqual([expect.any(Number)])
    await inState(connect(command), 'connected')
  })

  test('disconnects clients when it ends, and they reconnect to the next one', async () => {
    const command = await start('--port', '0')
    const client = connect(command)
    await inState(client, 'connected')
    const gone = nextState(client, 'disconnected')
    expect(await command.end('SIGTERM')).toEqual({ code: 0, signal: null })
    expect((await gone).reason).toMatchObject({ code: 80_003, statusCode: 503 })
    await start('--port', String(command.port))
    await inState(client, 'connected')
    expect((await client.channels.get('x').publish('n', 'x')).serials).toHaveLength(1)
  })

  test('prints the mistake and exits', async () => {
    await expect(startCommand('--config', join(folder, 'missing.json'))).rejects.toThrow('ENOENT')
  })

  test('that is killed while it writes loses no acknowledged message, and repeats none', async () => {
    const persist = join(folder, 'channels.log')
    const command = await start('--port', '0', '--persist', persist)
    const [writer, reader] = [connect(command, { clientId: 'writer' }), connect(command, { clientId: 'reader' })]
    const read = reader.channels.get('ai:x')
    const inbox = await openInbox(read)
    const channel = writer.channels.get('ai:x')
    const { serials } = await channel.publish('n', '')
    const published = Array.from({ length: 500 }, (_, i) => [
      channel.publish('n', String(i)),
      channel.appendMessage({ serial: serials[0]!, data: `${i} ` }),
    ]).flat()
    await published[100]
    const attached = nextEvent(read, 'attached')
    await command.end('SIGKILL')
    await start('--port', String(command.port), '--persist', persist)
    await Promise.all(published)
    expect(await attached).toMatchObject({ resumed: true })

    const numbers = Array.from({ length: 500 }, (_, i) => String(i))
    const page = await channel.history({ limit: 1_000, direction: 'forwards' })
    expect(page.items.map(({ data }) => data as unknown)).toEqual([numbers.map((i) => `${i} `).join(''), ...numbers])
    await expect.poll(() => inbox.pending.filter(({ serial }) => serial !== serials[0]).length).toBe(500)
    const heard = inbox.pending.filter(({ serial }) => serial !== serials[0])
    expect(heard.map(({ data }) => data as unknown)).toEqual(numbers)
  })

  test('refuses a file that another process writes to, and does not change it', async () => {
    const persist = join(folder, 'shared.log')
    const command = await start('--port', '0', '--persist', persist)
    await expect(startCommand('--port', '0', '--persist', persist)).rejects.toThrow(`process ${command.child.pid} uses`)
    await connect(command).channels.get('ai:x').publish('n', 'kept')
    await command.end('SIGTERM')
    const again = await start('--port', '0', '--persist', persist)
    expect((await connect(again).channels.get('ai:x').history()).items).toMatchObject([{ data: 'kept' }])
  })

  test('that cannot write any more refuses new messages, and keeps acknowledged ones', async () => {
    const persist = join(folder, 'full.log')
    const command = await startCommandWithin(64, '--config', config, '--port', '0', '--persist', persist)
    started.push(command)
    const channel = connect(command).channels.get('ai:x')
    const sent = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(1_000)}`)
    const results = await Promise.allSettled(sent.map((data) => channel.publish('n', data)))
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.length).toBeGreaterThan(10)
    expect(refused[0]?.reason).toMatchObject({ code: 50_000, statusCode: 500 })
    await channel.publish('n', 'small')

    await command.end('SIGKILL')
    const again = await start('--port', '0', '--persist', persist)
    const page = await connect(again).channels.get('ai:x').history({ limit: 1_000, direction: 'forwards' })
    const kept = sent.filter((_, i) => results[i]?.status === 'fulfilled')
    expect(page.items.map(({ data }) => data as unknown)).toEqual([...kept, 'small'])
  })
})
