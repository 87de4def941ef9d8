import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defineAgent, Invocation } from '../../src/agent'
import { authorizer } from '../../src/agent/intake'

let warn = vi.spyOn(console, 'warn')
beforeEach(() => {
  warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const invocation = { inputEventId: 'e1', sessionName: 'ai:trip' }
const request = () =>
  new Request('http://agent.example/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(invocation),
  })
const ask = (authorize = authorizer(undefined, () => {})) => authorize(request(), Invocation.fromJSON(invocation))

it.each(['development', 'test'])('`authorize` can be left out if NODE_ENV is %s, with one warning', async (mode) => {
  vi.stubEnv('NODE_ENV', mode)
  const authorize = authorizer(undefined, () => {})
  await ask(authorize)
  await ask(authorize)
  expect(warn).toHaveBeenCalledTimes(1)
})

it.each(['production', 'staging', 'Development', '', undefined])(
  '`authorize` is required if NODE_ENV is %j, and the error says so',
  async (mode) => {
    vi.stubEnv('NODE_ENV', mode)
    await expect(ask()).rejects.toMatchObject({ status: 403, message: expect.stringContaining('NODE_ENV') })
    expect(warn).not.toHaveBeenCalled()
  },
)

it('`authorize` is required where there is no process', async () => {
  const authorize = authorizer(undefined, () => {})
  const asked = Invocation.fromJSON(invocation)
  const body = request()
  vi.stubGlobal('process', undefined)
  const answer = await authorize(body, asked).catch((error: unknown) => error)
  vi.unstubAllGlobals()
  expect(answer).toMatchObject({ status: 403 })
})

it('only `true` authorizes: an error that is returned instead of thrown refuses the request', async () => {
  const refusal = () => new Response(null, { status: 401 }) as unknown as boolean
  const agent = defineAgent({ client: vi.fn<() => never>(), authorize: refusal, onError() {}, respond() {} })
  expect((await agent.fetch(request())).status).toBe(403)
})

it.each([
  ['throws', () => (undefined as unknown as { user: { id: string } }).user.id === 'alice'],
  ['rejects', () => Promise.reject(new TypeError('no database'))],
])('a request is refused with 403 if `authorize` %s, and onError gets the reason', async (_, authorize) => {
  const onError = vi.fn<(error: unknown) => void>()
  const client = vi.fn<() => never>()
  const agent = defineAgent({ client, authorize, onError, respond() {} })
  const response = await agent.fetch(request())
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({
    error: { code: 40300, message: 'unable to answer; not allowed: `authorize` did not return true for this session' },
  })
  expect(onError.mock.calls).toEqual([[expect.any(TypeError)]])
  expect(client).not.toHaveBeenCalled()
})
