import { afterEach, expect, it, vi } from 'vitest'
import { callAgent } from '../../src/session/wake'

afterEach(() => void vi.useRealTimers())

it.each([
  ['seconds', '1', 1000],
  ['a date', 'Mon, 01 Jan 2035 00:00:03 GMT', 3000],
  ['a day, of which five minutes count', '86400', 300_000],
  ['a date that has passed', 'Sun, 31 Dec 2034 23:59:59 GMT', undefined],
  ['words', 'later', undefined],
  ['nothing', undefined, undefined],
])('a busy agent whose Retry-After is %s', async (_, value, after) => {
  vi.useFakeTimers({ now: Date.parse('2035-01-01T00:00:00Z') })
  const headers = new Headers(value === undefined ? {} : { 'retry-after': value })
  const agent = { url: 'https://agent.test', fetch: async () => new Response(null, { status: 429, headers }) }
  const outcome = await callAgent(agent, { sessionName: 'ai:x', inputEventId: 'e-1' }, 1)
  expect(outcome).toEqual({ error: expect.any(Error) as Error, final: false, ...(after !== undefined && { after }) })
})

it('the body of an accepted wake is read, so that Node can use the connection again', async () => {
  const response = new Response('{"runId":"r-1"}')
  const agent = { url: 'https://agent.test', fetch: async () => response }
  expect(await callAgent(agent, { sessionName: 'ai:x', inputEventId: 'e-1' }, 1)).toBe('accepted')
  expect(response.bodyUsed).toBe(true)
})

it('a wake that is under way holds no Node process by its time limit', () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  void callAgent(() => new Promise(() => undefined), { sessionName: 'ai:x', inputEventId: 'e-1' }, 1)
  expect(timers()).toBe(before)
})

it.each([
  [
    'a server',
    'Cannot POST /api/agnet',
    ': Cannot POST /api/agnet. Compare `agent` of createAITransport() with the route of the agent',
  ],
  ['a server without words', '', '. Compare `agent` of createAITransport() with the route of the agent'],
  ['an agent', '{"error":{"code":40400,"message":"no such prompt"}}', ': no such prompt'],
])('a 404 of %s says what to compare, unless the agent itself answered', async (_, body, words) => {
  const agent = { url: '/api/agnet', fetch: async () => new Response(body, { status: 404 }) }
  expect(await callAgent(agent, { sessionName: 'ai:x', inputEventId: 'e-1' }, 1)).toMatchObject({
    error: { message: `unable to wake the agent; the agent at /api/agnet answered 404${words}` },
    final: true,
  })
})

it.each([
  ['the page of the app', '<!doctype html><title>Trip</title>', ' with text/html: Trip'],
  ['a page without a title', '<p>Sign in</p>', ' with text/html'],
])('%s is no agent that accepts the prompt, and says what to compare', async (_, body, words) => {
  const headers = { 'content-type': 'text/html; charset=utf-8' }
  const agent = { url: '/api/agnet', fetch: async () => new Response(body, { headers }) }
  const why = `answered 200${words}. Compare \`agent\` of createAITransport() with the route of the agent`
  expect(await callAgent(agent, { sessionName: 'ai:x', inputEventId: 'e-1' }, 1)).toMatchObject({
    error: { message: `unable to wake the agent; the agent at /api/agnet ${why}` },
    final: true,
  })
})

it('text that a framework sends as text/html by default is no page, so the prompt is accepted', async () => {
  const headers = { 'content-type': 'text/html; charset=utf-8' }
  const agent = { url: '/api/agent', fetch: async () => new Response('OK', { headers }) }
  expect(await callAgent(agent, { sessionName: 'ai:x', inputEventId: 'e-1' }, 1)).toBe('accepted')
})
