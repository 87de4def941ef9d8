import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as Ably from 'ably'
import { run } from '../../src/local/command'
import { DEV_KEY } from '../../src/local'
import { failure, inState } from '../support/local'

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const output = () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  return () => write.mock.calls.map(([text]) => String(text)).join('')
}

describe('the command', () => {
  test('starts an endpoint and prints the client options', async () => {
    const said = output()
    await using endpoint = await run(['local', '--port', '0'])
    const option = (name: string) => new RegExp(`${name}: '?([^',]+)`).exec(said())?.[1] ?? ''
    const [key, host, port] = [option('key'), option('endpoint'), Number(option('port'))]
    const client = new Ably.Realtime({ key, endpoint: host, port, tls: false, logLevel: 0 })
    await inState(client, 'connected')
    const clientOf = (clientId: string) => `
  new Ably.Realtime({
    key: '${DEV_KEY}',
    clientId: '${clientId}',
    endpoint: '127.0.0.1',
    port: ${port},
    tls: false,
    transports: ['web_socket'],
    disableConnectivityCheck: true,
  })
`
    expect(said()).toBe(`Listening on ${endpoint?.url}

In the page, with another clientId for each user:
${clientOf('alice')}
In the agent:
${clientOf('agent')}`)
    expect(endpoint?.key).toBe(DEV_KEY)
    client.close()
  })

  test('uses another key if one is given', async () => {
    output()
    await using endpoint = await run(['local', '--port', '0', '--key', 'a.b:c'])
    expect(endpoint?.key).toBe('a.b:c')
  })

  test('takes the fixed key on loopback only, and warns elsewhere', async () => {
    output()
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
    await using here = await run(['local', '--port', '0', '--host', '127.0.0.1'])
    expect([here?.key, warn.mock.calls]).toEqual([DEV_KEY, []])
    await using everywhere = await run(['local', '--port', '0', '--host', '0.0.0.0'])
    expect(everywhere?.key).toMatch(/^local\.\w+:\w{32}$/)
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('listens on 0.0.0.0'), expect.anything())
  })

  test('prints its help', async () => {
    const said = output()
    expect(await run(['--help'])).toBeUndefined()
    expect(process.exitCode).toBeUndefined()
    expect(await run(['remote'])).toBeUndefined()
    expect(process.exitCode).toBe(1)
    expect(said()).toContain('Usage: vue-ai-transport local')
  })

  test('refuses unknown options', async () => {
    await expect(run(['local', '--fast'])).rejects.toThrow("Unknown option '--fast'")
  })

  test('explains the port in its error for an invalid one', async () => {
    await expect(run(['local', '--port', 'abc'])).rejects.toThrow('--port must be a number from 0 to 65535, not "abc"')
  })
})

describe('a configuration file', () => {
  const write = async (config: unknown) => {
    const file = join(await mkdtemp(join(tmpdir(), 'local-ably-')), 'app.json')
    await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config))
    return file
  }
  const start = async (config: unknown) => await run(['local', '--port', '0', '--config', await write(config)])
  const key = { keyName: 'app.one', keySecret: 'secret' }

  test('sets keys, namespaces and limits', async () => {
    output()
    const some = { keyName: 'two', keySecret: 'secret', capability: '{"x":["subscribe"]}', revocableTokens: true }
    const namespaces = [{ id: 'notes', persisted: true, mutableMessages: true, pushEnabled: true, colour: 'red' }]
    const limits = { presence: { maxMembers: 1, other: 5 }, channels: {} }
    await using endpoint = await start({ appId: 'app', keys: [key, some], namespaces, limits, cipher: {} })
    const place = { ...endpoint!.clientOptions(), logLevel: 0 }
    const first = new Ably.Rest(place)
    const { serials } = await first.channels.get('notes:x').publish('n', 'a')
    expect(
      (await first.channels.get('notes:x').appendMessage({ serial: serials[0]!, data: 'b' })).versionSerial,
    ).toBeTruthy()
    const second = new Ably.Rest({ ...place, key: 'app.two:secret' })
    expect(await failure(second.channels.get('x').publish('n', 'a'))).toMatchObject({ code: 40_160 })
    const client = new Ably.Realtime(place)
    const { presence } = client.channels.get('x')
    await presence.enterClient('bob')
    expect(await failure(presence.enterClient('eve'))).toMatchObject({ code: 91_003 })
    client.close()
  })

  test('responds with the time as soon as it reports that it listens', async () => {
    const said = output()
    await using endpoint = await start({ keys: [key] })
    expect(said()).toContain(`Listening on ${endpoint?.url}`)
    expect((await fetch(`${endpoint?.url}/time`)).status).toBe(200)
  })

  test('sets members that are present from the start', async () => {
    output()
    const secret = { clientId: 'secret', data: 'c2VjcmV0', encoding: 'utf-8/cipher+aes-128-cbc/base64' }
    const presence = [
      { clientId: 'plain', data: '24' },
      { clientId: 'json', data: '{"n":1}', encoding: 'json' },
      secret,
    ]
    await using endpoint = await start({ keys: [key], channels: [{ name: 'hall', presence }, { name: 'empty' }] })
    const place = { ...endpoint!.clientOptions(), logLevel: 0 }
    const hall = new Ably.Rest(place).channels.get('hall').presence
    const { items } = await hall.get()
    expect(items.map(({ clientId, data, action }) => [clientId, data, action])).toEqual([
      ['json', { n: 1 }, 'present'],
      ['plain', '24', 'present'],
      ['secret', expect.anything(), 'present'],
    ])
    expect((await hall.get({ connectionId: items[0]!.connectionId })).items).toHaveLength(3)
    expect((await hall.history()).items.map(({ action }) => action)).toEqual(['enter', 'enter', 'enter'])
    const client = new Ably.Realtime(place)
    expect(await client.channels.get('hall').presence.get()).toHaveLength(3)
    client.close()
  })

  test('can contain a key as one string', async () => {
    output()
    await using endpoint = await start({ keys: [{ id: 'one', keyStr: 'app.one:secret', keyName: 'app.one' }] })
    expect(endpoint?.key).toBe('app.one:secret')
  })

  test('can start with a byte order mark', async () => {
    output()
    await using endpoint = await start(`\uFEFF${JSON.stringify({ keys: [key] })}`)
    expect(endpoint?.key).toBe('app.one:secret')
  })

  test.each([
    ['{', 'JSON'],
    [[], 'the file must be an object'],
    [{}, 'keys must be a list'],
    [{ keys: [] }, 'keys must hold at least one key'],
    [{ keys: [{ keyName: 'app.one' }] }, 'keys[0].keySecret must be a text'],
    [{ keys: [{ ...key, capability: {} }] }, 'keys[0].capability must be a text'],
    [{ keys: [{ ...key, capability: '{"x":["fly"]}' }] }, 'key app.one; its capability is malformed'],
    [{ keys: [{ ...key, keyName: 'one' }] }, 'keys[0].keyName must have the form "app.id"'],
    [{ keys: [{ ...key, keyName: 'app.one:more' }] }, 'keys[0].keyName must have the form "app.id"'],
    [{ keys: [key, key] }, 'key app.one; two keys have that name'],
    [{ keys: [{ ...key, revocableTokens: 'yes' }] }, 'keys[0].revocableTokens must be true or false'],
    [{ keys: [key], namespaces: [{}] }, 'namespaces[0].id must be a text'],
    [{ keys: [key], namespaces: {} }, 'namespaces must be a list'],
    [{ keys: [key], channels: [{}] }, 'channels[0].name must be a text'],
    [{ keys: [key], channels: [{ name: 'x', presence: [{}] }] }, 'channels[0].presence[0].clientId must be a text'],
    [{ keys: [key], limits: { presence: { maxMembers: 0 } } }, 'limits.presence.maxMembers must be a positive integer'],
  ])('with a mistake is refused with its place: %j', async (config, complaint) => {
    await expect(start(config)).rejects.toThrow(complaint)
  })

  test('that is missing is refused with an error', async () => {
    await expect(run(['local', '--config', '/nowhere/app.json'])).rejects.toThrow(
      'unable to read /nowhere/app.json; ENOENT',
    )
  })
})
