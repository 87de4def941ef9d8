import { afterEach, expect, it, vi } from 'vitest'
import { callAgent } from '../../src/session/agent-call'

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
