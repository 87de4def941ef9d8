import { expect, it } from 'vitest'
import { output, prompt } from '../core/wire'
import { aSession, soon, started } from '../support/told-session'

type Told = Awaited<ReturnType<typeof aSession>>

/** Counts the refreshes of each of two views until no more come. */
async function refreshesOf({ session, view }: Told, act: () => unknown): Promise<number[]> {
  const other = session.createView()
  const counts = [0, 0]
  const stops = [view, other].map((each, index) => each.on('update', () => counts[index]!++))
  act()
  const atOnce = [...counts]
  await soon()
  for (const stop of stops) stop()
  expect(counts).toEqual(atOnce)
  return counts
}

const neverAnswers = (): Promise<void> => new Promise(() => undefined)

/** A session in which a run is active. */
async function whileARunIsActive(): Promise<Told> {
  const told = await aSession([prompt('p')], neverAnswers)
  told.hear(started('R', 'p'), output('R', { kind: 'text', id: 't' }, 'hello'))
  return told
}

it('a cancel refreshes each view once', async () => {
  const told = await whileARunIsActive()
  expect(await refreshesOf(told, () => told.view.cancel('R'))).toEqual([1, 1])
  expect(told.view.run('R')!.cancelling).not.toHaveProperty('pending')
})

it('cancelling all runs refreshes each view once', async () => {
  const told = await whileARunIsActive()
  told.hear(started('S', 'p'), prompt('q'))
  expect(await refreshesOf(told, () => told.view.cancelAll({ scope: 'session' }))).toEqual([1, 1])
})

it('a send with `interrupt` refreshes each view once', async () => {
  const told = await whileARunIsActive()
  const send = () => told.view.send('x', { whenBusy: 'interrupt', wake: false })
  expect(await refreshesOf(told, send)).toEqual([1, 1])
  expect(told.names()).toEqual(['ai-cancel', 'ai-input x'])
})

it('an edit refreshes each view once', async () => {
  const told = await whileARunIsActive()
  expect(await refreshesOf(told, () => told.view.edit('p', 'y', { wake: false }))).toEqual([1, 1])
  expect(told.shown()).toEqual(['sent: y'])
})

it('a wake-up of the agent refreshes each view once', async () => {
  const told = await aSession([prompt('p')], neverAnswers)
  expect(await refreshesOf(told, () => told.view.wake('p'))).toEqual([1, 1])
  expect(told.view.pending()).toMatchObject([{ inputId: 'p', wake: { state: 'waking' } }])
})
