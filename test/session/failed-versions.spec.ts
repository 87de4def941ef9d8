import { expect, it } from 'vitest'
import { deferred } from '../../src/core/signals'
import { prompt } from '../core/wire'
import { aSession, headerOf, refusal, soon, started } from '../support/told-session'

it('an edit that was sent shows, not an earlier edit that failed', async () => {
  const { view, refuse, shown, hear } = await aSession()
  hear(prompt('p'))
  refuse('ai-input')
  await view.edit('p', 'refused').catch(() => undefined)
  expect(shown()).toEqual(['failed: refused'])
  view.select('p', 0)
  await view.edit('p', 'accepted')
  expect(shown()).toEqual(['sent: accepted'])
})

it('a view without a selection shows no edit that failed', async () => {
  const { session, view, refuse, hear } = await aSession()
  hear(prompt('p'))
  const fate = deferred<never>()
  refuse('ai-input', () => fate.promise)
  const edited = view.edit('p', 'refused').catch(() => undefined)
  const other = session.createView()
  expect(other.getMessages().map(({ state }) => state)).toEqual(['pending'])
  fate.reject(refusal)
  await edited
  expect(other.getMessages().map(({ state }) => state)).toEqual(['sent'])
})

it('an edit waits for the prompt that it changes, and is sent in its place if that prompt is refused', async () => {
  const { view, refuse, shown, hear, published } = await aSession()
  const fate = deferred<never>()
  refuse('ai-input', () => fate.promise)
  const first = view.send('one').catch(() => undefined)
  const edited = view.edit(view.getMessages()[0]!.id, 'two')
  await soon()
  expect(published).toHaveLength(1)
  fate.reject(refusal)
  await first
  const run = await edited
  expect(headerOf(published[1], 'fork-of')).toBeUndefined()
  hear(started('R', run.inputId))
  expect(shown()).toEqual(['sent: two'])
  expect(view.runs()).toMatchObject([{ runId: 'R' }])
})
