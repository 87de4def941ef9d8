import { afterEach, describe, expect, test, vi } from 'vitest'
import * as Ably from 'ably'
import { run } from '../../src/local/command'
import { DEV_KEY } from '../../src/local'
import { inState } from '../support/local'

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const output = () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  return () => write.mock.calls.map(([text]) => String(text)).join('')
}

describe('the command', () => {
  test('starts an endpoint and says what to put into a client', async () => {
    const said = output()
    await using endpoint = await run(['local', '--port', '0'])
    const option = (name: string) => new RegExp(`${name}: '?([^',]+)`).exec(said())?.[1] ?? ''
    const [key, host, port] = [option('key'), option('endpoint'), Number(option('port'))]
    const client = new Ably.Realtime({ key, endpoint: host, port, tls: false, logLevel: 0 })
    await inState(client, 'connected')
    expect(said()).toContain(`Listening on ${endpoint?.url}`)
    expect(endpoint?.key).toBe(DEV_KEY)
    client.close()
  })

  test('takes another key', async () => {
    output()
    await using endpoint = await run(['local', '--port', '0', '--key', 'a.b:c'])
    expect(endpoint?.key).toBe('a.b:c')
  })

  test('explains itself', async () => {
    const said = output()
    expect(await run(['--help'])).toBeUndefined()
    expect(process.exitCode).toBeUndefined()
    expect(await run(['remote'])).toBeUndefined()
    expect(process.exitCode).toBe(1)
    expect(said()).toContain('Usage: vue-ai-transport local')
  })

  test('refuses options that it does not know', async () => {
    await expect(run(['local', '--fast'])).rejects.toThrow("Unknown option '--fast'")
  })

  test('says what a port is', async () => {
    await expect(run(['local', '--port', 'abc'])).rejects.toThrow('--port must be a number from 0 to 65535, not "abc"')
  })
})
