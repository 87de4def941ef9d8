import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defineAgent } from '../../src/agent'
import { orRefuse, runHook } from '../../src/agent/hooks'
import { deferred } from '../../src/core/signals'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const minute = 60_000
const never = () => new Promise<never>(() => undefined)

it('a hook that never settles fails after five minutes, so that its request frees its place and can be repeated', async () => {
  const failure = { code: 104002, message: 'unable to decide on the run; it takes longer than 300 s' }
  const asked = runHook(never, {}, 'the run').catch((error: unknown) => error)
  const report = vi.fn<(error: unknown) => void>()
  const refused = orRefuse(runHook(never, {}, 'the run'), report)
  await vi.advanceTimersByTimeAsync(5 * minute)
  expect(await asked).toMatchObject(failure)
  expect(await refused).toBe(false)
  expect(report).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(failure))
})

it('a slow hook has five minutes, and leaves no timer behind', async () => {
  const decision = deferred<boolean>()
  const decided = runHook(() => decision.promise, {}, 'the run')
  await vi.advanceTimersByTimeAsync(5 * minute - 1)
  decision.resolve(false)
  expect(await decided).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
})

it('a client function that never settles is called again by the first request after a minute', async () => {
  const client = vi.fn<() => Promise<never>>(never)
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const agent = defineAgent({ client, agents: 'agent', authorize: () => true, onError, respond: () => undefined })
  const wake = (inputEventId: string) =>
    agent.fetch(
      new Request('http://agent.test/', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputEventId, sessionName: 'ai:x' }),
      }),
    )
  const first = wake('e-1')
  await vi.waitFor(() => expect(client).toHaveBeenCalledOnce())
  await vi.advanceTimersByTimeAsync(minute)
  expect((await first).status).toBe(500)
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('"client"') as string })])
  void wake('e-1')
  await vi.waitFor(() => expect(client).toHaveBeenCalledTimes(2))
})
