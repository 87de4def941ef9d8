import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/signals'
import type { AgentTarget } from '../../src/session/context'
import { output } from '../core/wire'
import { aSession, ended, refusal, soon, started } from '../support/told-session'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const down = (): never => {
  throw new Error('down')
}
const refusing: AgentTarget = {
  url: 'http://agent.test/',
  fetch: async () => new Response(null, { status: 403 }),
}

type Told = Awaited<ReturnType<typeof aSession>>

/** The promise of a prompt's end, which is collected with all other data of the prompt. */
async function held({ view }: Told, then: (inputId: string, cancel: () => Promise<void>) => Promise<void> | void) {
  const run = await view.send('x')
  await soon()
  await then(run.inputId, () => run.cancel())
  return new WeakRef(run.finished)
}

async function isHeld(promise: WeakRef<object>): Promise<boolean> {
  await soon()
  collectGarbage()
  return promise.deref() !== undefined
}

it.each<[string, AgentTarget]>([
  ['cannot be reached', down],
  ['refuses the request', refusing],
])('a cancelled prompt is released from memory if its agent %s', async (_, agent) => {
  const told = await aSession([], agent)
  const cancelled = await held(told, (_, cancel) => cancel())
  expect(await isHeld(cancelled)).toBe(false)
  expect(told.view.pending()).toMatchObject([{ cancelling: {}, wake: { state: 'failed', error: { code: 40033 } } }])
})

it('a prompt is kept in memory while it can still be answered, and released after its run has ended', async () => {
  const told = await aSession([], down)
  let inputId = ''
  const waiting = await held(told, (id) => void (inputId = id))
  expect(await isHeld(waiting)).toBe(true)
  told.hear(started('R', inputId), ended('R'))
  expect(await isHeld(waiting)).toBe(false)
})

type Run = Awaited<ReturnType<Told['view']['send']>>

it.each<[string, number, (told: Told, run: Run) => unknown]>([
  ['retried by its handle', 2, (_, run) => run.retry()],
  ['retried by its id', 2, ({ view }, run) => view.retry(run.inputId)],
  ['answered because another device has woken an agent', 1, () => undefined],
])('the handle of a released prompt follows it again once it is %s', async (_, wakes, happens) => {
  let attempts = 0
  const told = await aSession([], () => {
    if (++attempts < 2) throw new Error('down')
  })
  const run = await told.view.send('x')
  await soon()
  await run.cancel()
  await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
  await expect(run.started).rejects.toMatchObject({ code: 40033 })
  await happens(told, run)
  expect(attempts).toBe(wakes)
  told.hear(started('R', run.inputId))
  await run.started
  told.hear(ended('R'))
  await expect(run.finished).resolves.toEqual({ reason: 'complete' })
})

it('a prompt that is cancelled while its agent refuses the request is cancelled', async () => {
  const answered = deferred()
  const fetch = async (): Promise<Response> => {
    await answered.promise
    return new Response(null, { status: 403 })
  }
  const { view } = await aSession([], { url: 'http://agent.test/', fetch })
  const run = await view.send('x')
  await soon()
  await run.cancel()
  answered.resolve()
  await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
  await expect(run.started).rejects.toMatchObject({ code: 40033 })
})

it('a cancelled regenerate does not set the error of the session', async () => {
  const { session, view, hear } = await aSession([], down)
  const run = await view.send('q')
  hear(started('R', run.inputId), output('R', { kind: 'text', id: 't' }, 'hello'), ended('R'))
  await soon()
  const again = await view.regenerate(view.getMessages().at(-1)!.id)
  await again.cancel()
  await expect(again.finished).resolves.toEqual({ reason: 'cancelled' })
  expect(session.error).toBeUndefined()
})

describe('a failed prompt that is sent again', () => {
  it('wakes the agent once the channel has the prompt, and only once, however often retry() is called', async () => {
    const { view, refuse, woken } = await aSession()
    refuse('ai-input')
    await expect(view.send('x')).rejects.toMatchObject({ code: 104005 })
    const id = view.getMessages()[0]!.id
    const refused = deferred<never>()
    refuse('ai-input', () => refused.promise)
    const retries = [view.retry(id), view.retry(id)]
    await soon()
    refused.reject(refusal)
    for (const retry of retries) await expect(retry).rejects.toMatchObject({ code: 104005 })
    expect(woken).toEqual([])
    await view.retry(id)
    expect(woken).toHaveLength(1)
  })
})

it('retry() rejects once the session is closed, and so does the handle', async () => {
  const { session, view } = await aSession([], down)
  const run = await view.send('x')
  await session.close()
  await expect(run.retry()).rejects.toMatchObject({ code: 104004 })
  await expect(run.started).rejects.toMatchObject({ code: 104004 })
})
