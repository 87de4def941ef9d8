import { expect, it, vi } from 'vitest'
import { defineAgent, type CorsOptions } from '../../src/agent'

const app = 'https://app.example.com'

const agentWith = (cors?: CorsOptions) =>
  defineAgent({
    client: () => {
      throw new Error('no client here')
    },
    agents: 'agent',
    authorize: () => false,
    respond: () => undefined,
    ...(cors && { cors }),
  })

const preflight = (origin: string) =>
  new Request('https://agent.example.com/', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  })

const wakeUp = (origin: string) =>
  new Request('https://agent.example.com/', {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json' },
    body: JSON.stringify({ inputEventId: 'e', sessionName: 'ai:trip' }),
  })

const corsOf = ({ status, headers }: Response) => ({
  status,
  ...Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary')),
})

it('the preflight of a listed origin is answered', async () => {
  const { fetch } = agentWith({ origins: [app, 'https://other.example.com'], headers: ['content-type', 'x-tenant'] })
  expect(corsOf(await fetch(preflight(app)))).toEqual({
    status: 204,
    'access-control-allow-origin': app,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type, x-tenant',
    'access-control-max-age': '3600',
    vary: 'origin',
  })
})

it('pages of a listed origin can read responses, refusals too', async () => {
  const { fetch } = agentWith({ origins: app, credentials: true })
  const response = await fetch(wakeUp(app))
  expect(corsOf(response)).toEqual({
    status: 403,
    'access-control-allow-origin': app,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'retry-after',
    vary: 'origin',
  })
  expect(await response.json()).toMatchObject({
    error: { message: 'unable to answer; not allowed: `authorize` did not return true for this session' },
  })
})

it('other origins get no access', async () => {
  const { fetch } = agentWith({ origins: app })
  expect(corsOf(await fetch(preflight('https://evil.example.com')))).toEqual({ status: 204, vary: 'origin' })
  expect(corsOf(await fetch(wakeUp('https://evil.example.com')))).toEqual({ status: 403, vary: 'origin' })
})

it('"*" gives every origin access, without cookies', async () => {
  const { fetch } = agentWith({ origins: '*' })
  expect(corsOf(await fetch(wakeUp(app)))).toEqual({
    status: 403,
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'retry-after',
  })
  expect(() => agentWith({ origins: '*', credentials: true })).toThrow(
    'unable to use "cors"; browsers send no cookies to a route that accepts every origin, so list the origins or leave out "credentials"',
  )
})

it('Node requests get an error that names the fix', async () => {
  const onError = vi.fn<(error: unknown) => void>()
  const agent = defineAgent({
    client: () => Promise.reject(new Error('no client here')),
    agents: 'agent',
    respond: () => undefined,
    cors: { origins: '*' },
    onError,
  })
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: {} }
  expect((await agent.fetch(request as unknown as Request)).status).toBe(500)
  expect(onError).toHaveBeenCalledExactlyOnceWith(
    new Error(
      'unable to answer; fetch() takes a web Request, but got the request of Node or Express. Serve the agent with toNodeHandler(agent)',
    ),
  )
})

it('responses are unchanged without the option', async () => {
  const { fetch } = agentWith()
  expect(corsOf(await fetch(preflight(app)))).toEqual({ status: 405 })
  expect(corsOf(await fetch(wakeUp(app)))).toEqual({ status: 403 })
})

it.each([
  [
    { client: {}, respond: () => undefined },
    'unable to define the agent; "client" must be a function: client: () => new Ably.Realtime({ key, clientId: \'agent\' })',
  ],
  [
    { client: () => ({}) },
    'unable to define the agent; "respond" must be a function: async respond(run) { await run.pipe(...) }',
  ],
])('an agent without its functions is an error that names them', (options, message) => {
  expect(() => defineAgent(options as never)).toThrow(new Error(message))
})
