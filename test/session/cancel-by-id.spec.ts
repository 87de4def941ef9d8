import { expect, it } from 'vitest'
import { ownerOnly } from '../../src/core/access'
import { prompt } from '../core/wire'
import { aSession, ended, headerOf, soon, started } from '../support/told-session'

const cancelIn = ({ published }: Awaited<ReturnType<typeof aSession>>) =>
  published.find(({ name }) => name === 'ai-cancel')

it('cancel() refuses an empty id, which a run has until it starts', async () => {
  const told = await aSession()
  const run = await told.view.send('x')
  await expect(told.view.cancel(run.runId)).rejects.toMatchObject({ code: 40003 })
  expect(cancelIn(told)).toBeUndefined()
})

it('cancel() with a message id cancels a prompt whose run has not started', async () => {
  const told = await aSession()
  const run = await told.view.send('x')
  await told.view.cancel(run.inputId)
  expect(headerOf(cancelIn(told), 'input-codec-message-id')).toBe(run.inputId)
  expect(headerOf(cancelIn(told), 'run-id')).toBeUndefined()
  expect(told.view.pending()[0]?.cancelling).toBeDefined()
})

it('a cancel that the access policy refuses does not show', async () => {
  const { view, hear } = await aSession([], undefined, ownerOnly)
  hear({ ...prompt('p'), clientId: 'bob' })
  hear({ ...prompt('q', { parent: 'p' }), clientId: 'bob' })
  hear(started('R', 'p'))
  await view.cancel('R')
  await view.cancel({ inputId: 'q' })
  expect(view.runs()[0]?.cancelling).toBeUndefined()
  expect(view.pending()).toMatchObject([{ inputId: 'q' }])
  expect(view.pending()[0]?.cancelling).toBeUndefined()
})

it('a prompt that is sent again is not affected by an earlier cancel', async () => {
  const { view, refuse } = await aSession()
  refuse('ai-input')
  await view.send('x').catch(() => undefined)
  const { id } = view.getMessages()[0]!
  await view.cancel({ inputId: id })
  await view.retry(id)
  expect(view.pending()[0]?.cancelling).toBeUndefined()
  expect(view.isRunning).toBe(true)
})

it('the handle of a run that was given up, retried and answered has the result of the run', async () => {
  const { session, view, hear } = await aSession([], () => Promise.reject(new Error('down')))
  const run = await view.send('x')
  await soon()
  await run.cancel()
  await soon()
  await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
  await run.retry()
  hear(started('R', run.inputId))
  hear(ended('R'))
  await expect(run.finished).resolves.toEqual({ reason: 'complete' })
  await session.close()
})
