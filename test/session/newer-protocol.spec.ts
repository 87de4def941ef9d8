import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { message, prompt } from '../core/wire'
import { Listener } from '../support/listener'

const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
beforeEach(() => void warn.mockClear())
afterEach(() => void vi.unstubAllEnvs())

const later = () => message('ai-hologram', { 'run-id': 'r' })
const reshaped = () => ({ ...message('ai-output', {}), extras: { ai: { envelope: [], agent: 'their-sdk/2.0' } } })

it('a session warns once that another client uses a newer protocol, and names the version', async () => {
  const client = await Listener.on()
  client.hear([reshaped(), later(), reshaped(), prompt('p')])
  expect(warn).toHaveBeenCalledTimes(1)
  expect(warn.mock.calls[0]![0]).toMatch(
    /"ai-output" messages of a newer protocol, published by their-sdk\/2\.0.*update vue-ai-transport/,
  )
  expect(client.shown()).toEqual(['p'])
})

it('a session warns of a newer protocol in history, too', async () => {
  const client = await Listener.on([later()])
  await client.readBack()
  expect(warn).toHaveBeenCalledTimes(1)
})

it('a session does not warn of other traffic, of repeated messages or in production', async () => {
  const client = await Listener.on()
  const known = prompt('p')
  client.hear([known, known, { ...later(), name: 'chat' }, { ...later(), name: undefined }])
  client.hear([
    { ...known, serial: 't1', extras: {} },
    { ...known, serial: 't2', extras: undefined },
  ])
  vi.stubEnv('NODE_ENV', 'production')
  client.hear([later()])
  expect(warn).not.toHaveBeenCalled()
})
