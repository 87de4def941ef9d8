import { expect, it, onTestFinished, vi } from 'vitest'
import { deferred } from '../../src/core/signals'
import { Header } from '../../src/core/wire'
import { prompt, runMessage } from '../core/wire'
import { aSession, refusal, soon, started } from '../support/told-session'

it('a handle rejects if its session was closed, and stays pending while its run goes on', async () => {
  const { session, view, hear } = await aSession()
  const run = await view.send('x')
  hear(started('R', run.inputId))
  await session.close()
  expect(run.status).toBe('active')
  await expect(run.finished).rejects.toMatchObject({ code: 104004 })
})

it('a second close waits for the first one', async () => {
  const { session, channel } = await aSession()
  const left = deferred()
  channel.detach = () => left.promise
  let isClosed = false
  void session.close()
  const again = session.close().then(() => (isClosed = true))
  await soon()
  expect(isClosed).toBe(false)
  left.resolve()
  await again
})

it('a closed session publishes nothing, even if the first close failed', async () => {
  const { session, view, refuse, published } = await aSession()
  const fate = deferred<never>()
  refuse('ai-input', () => fate.promise)
  const sent = view.send('x')
  await soon()
  await session.close()
  fate.reject(Object.assign(new Error('gone'), { code: 80_003 }))
  await expect(sent).rejects.toMatchObject({ code: 104004 })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(published).toHaveLength(1)
})

it('a session that is closed offline has nothing under way any more, though the SDK keeps the prompt', async () => {
  const { session, view, refuse } = await aSession()
  refuse('ai-input', () => deferred<never>().promise)
  const sent = view.send('x')
  await soon()
  Object.assign(session.internals.channel.connection, { state: 'disconnected' })
  await session.close()
  await expect(sent).rejects.toMatchObject({ code: 104004 })
  expect(session.internals.isUnderWay).toBe(false)
})

it('a promise that settles while a prompt is on its way lets the session look again, and starts no loop', async () => {
  const { session, view, hear, refuse } = await aSession([prompt('p')])
  hear(started('R', 'p'))
  const { internals } = session
  const fate = deferred<never>()
  refuse('ai-input', () => fate.promise)
  const sent = view.send('x')
  let looks = 0
  const isSettled = internals.waits.until(() => {
    looks++
    return !internals.isUnderWay
  })
  expect(looks).toBe(1)
  await view.steer('R', 'By train').published
  await soon()
  const looksAtSteer = looks
  expect(looksAtSteer).toBeGreaterThan(1)
  await soon()
  expect([looks, internals.isUnderWay]).toEqual([looksAtSteer, true])
  fate.reject(refusal)
  await expect(sent).rejects.toThrow('too large')
  expect(await isSettled).toBe(true)
})

it('a closed view loads no more messages', async () => {
  const past = ['a', 'b', 'c'].map((id, index, ids) => prompt(id, { ...(index > 0 && { parent: ids[index - 1] }) }))
  const { view } = await aSession(past, undefined, undefined, 1)
  expect(view.getMessages().map(({ id }) => id)).toEqual(['c'])
  view.close()
  expect(await view.loadOlder(1)).toEqual([])
  expect(await view.loadUntil(() => false)).toEqual([])
})

it('a page of history that arrives after the close starts no timer that stays', async () => {
  const names = { 'invocation-id': 'R-1', 'input-codec-message-id': 'p', parent: 'p', [Header.presence]: 'true' }
  const past = [prompt('p'), runMessage('ai-run-start', 'R', names)]
  const { session, view } = await aSession(past, undefined, undefined, 0)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const loading = view.loadOlder(10).catch(() => undefined)
  await session.close()
  await loading
  expect(session.tree.runs()).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(vi.getTimerCount()).toBe(0)
})

it('a closed session names the action that it refuses', async () => {
  const { session, view } = await aSession([prompt('p')], () => undefined)
  await session.close()
  const why = '; the session is closed'
  await expect(view.send('x')).rejects.toThrow(`unable to send${why}`)
  await expect(view.steer('R', 'x').published).rejects.toThrow(`unable to steer the run${why}`)
  expect(() => view.wake('p')).toThrow(`unable to wake the agent${why}`)
})
