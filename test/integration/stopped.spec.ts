import { expect, it } from 'vitest'
import { deferred } from '../../src/core/signals'
import { named, transportOf } from '../support/agent'
import { eventually } from '../support/eventually'
import { shown, startScene } from '../support/scene'

it('every device, also a later one, sees which device stopped a run, when, and how much text came behind the cancel', async () => {
  const decision = deferred()
  const { open, model, wire } = await startScene('stopped', {
    async onCancel() {
      await decision.promise
      return true
    },
  })
  const phone = await open('alice', { device: 'Phone' })
  const laptop = await open('alice')
  const channel = await wire()
  const run = await phone.view.send('Count')
  const call = await model.call(0)
  call.say('One, two, ')
  await eventually(() => expect(shown(laptop)).toEqual(['sent: Count', 'streaming: One, two, ']))

  await phone.cancel(run.runId)
  await eventually(() => expect(laptop.runs()[0]!.cancelling).toMatchObject({ by: 'alice', device: 'Phone' }))
  call.say('three')
  await eventually(() => expect(shown(laptop)).toEqual(['sent: Count', 'streaming: One, two, three']))
  decision.resolve()
  await run.finished

  const cancel = await channel.hears(named('ai-cancel'))
  expect(transportOf(cancel).device).toBe('Phone')
  const stopped = {
    by: 'alice',
    device: 'Phone',
    requestedAt: cancel.timestamp,
    abortedAt: expect.any(Number),
    tail: 5,
  }
  await eventually(() => expect(laptop.runs()[0]!.stopped).toEqual(stopped))
  expect(phone.runs()[0]!.stopped).toEqual(laptop.runs()[0]!.stopped)
  const tablet = await open('alice')
  expect(tablet.runs()[0]!.stopped).toEqual(laptop.runs()[0]!.stopped)
})

it('a run that was stopped with all of its text before the cancel has no tail', async () => {
  const { open, model } = await startScene('stopped-clean')
  const alice = await open('alice')
  const run = await alice.view.send('Count')
  ;(await model.call(0)).say('One')
  await eventually(() => expect(shown(alice)).toEqual(['sent: Count', 'streaming: One']))
  await run.cancel()
  await run.finished
  expect(alice.runs()[0]!.stopped).toMatchObject({ by: 'alice', tail: 0 })
})

it('a run that ended by itself was not stopped', async () => {
  const { open, model } = await startScene('stopped-not')
  const alice = await open('alice')
  const run = await alice.view.send('Count')
  ;(await model.call(0)).finish()
  await run.finished
  expect(alice.runs()[0]).not.toHaveProperty('stopped')
})

it('every device, also a later one, sees which device sent a prompt', async () => {
  const { open, model } = await startScene('prompted')
  const phone = await open('alice', { device: 'Phone' })
  const laptop = await open('alice')
  const run = await phone.view.send('Count')
  expect(phone.view.getMessages()[0]).toMatchObject({ device: 'Phone' })
  ;(await model.call(0)).finish()
  await run.finished
  await eventually(() => expect(laptop.view.getMessages()[0]).toMatchObject({ state: 'sent', device: 'Phone' }))
  await (
    await laptop.view.send('More')
  ).started
  const tablet = await open('alice')
  await eventually(() =>
    expect(
      tablet.view
        .getMessages()
        .filter(({ runId }) => !runId)
        .map(({ device }) => device),
    ).toEqual(['Phone', undefined]),
  )
})
