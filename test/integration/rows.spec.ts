import { onTestFinished, expect, it, vi } from 'vitest'
import { createClientSession, dehydrateSession, UIMessageCodec, type ClientSession } from '../../src'
import type { UIMessage } from 'ai'
import { eventually } from '../support/eventually'
import { shown, startScene, statuses, type Scene } from '../support/scene'

/** A session on a new device, with the rows that another one has loaded. */
function fromRows({ endpoint, channelName }: Scene, other: ClientSession<UIMessage>) {
  const client = endpoint.client({ clientId: 'alice' })
  const session = createClientSession({
    client,
    channelName,
    codec: UIMessageCodec,
    rows: JSON.parse(JSON.stringify(dehydrateSession(other))) as ReturnType<typeof dehydrateSession>,
  })
  onTestFinished(() => session.close())
  return { session, asked: vi.spyOn(client.channels.get(channelName), 'history') }
}

it('rows show a conversation at once, and a reply in flight completes', async () => {
  const scene = await startScene('rows')
  const alice = await scene.open('alice')
  await alice.view.send('First?')
  const first = await scene.model.call(0)
  first.say('One', '.')
  first.finish()
  await eventually(() => expect(statuses(alice)).toEqual(['complete']))
  await alice.view.send('Second?')
  const second = await scene.model.call(1)
  second.say('Two')
  await eventually(() => expect(shown(alice).at(-1)).toBe('streaming: Two'))

  const { session, asked } = fromRows(scene, alice)
  const before = shown(session)
  expect(before).toEqual(['sent: First?', 'complete: One.', 'sent: Second?', 'streaming: Two'])
  expect(statuses(session)).toEqual(['complete', 'active'])
  expect(session.view.snapshot()).toEqual(alice.view.snapshot())
  const messages = session.view.getMessages()
  second.say(' and', ' a half')
  await eventually(() => expect(shown(alice).at(-1)).toBe('streaming: Two and a half'))
  await session.connect()
  second.say(', of three.')
  second.finish()
  await eventually(() => expect(statuses(session)).toEqual(['complete', 'complete']))
  expect(shown(session)).toEqual([...before.slice(0, 3), 'complete: Two and a half, of three.'])
  expect(session.view.getMessages()[0]).toBe(messages[0])
  expect(asked).toHaveBeenCalledTimes(1)
})

it('a run that is known from rows can be cancelled, and the next prompt continues them', async () => {
  const scene = await startScene('rows-cancel')
  const alice = await scene.open('alice')
  const run = await alice.view.send('A long story?')
  const call = await scene.model.call(0)
  call.say('Once upon')
  await eventually(() => expect(shown(alice).at(-1)).toBe('streaming: Once upon'))

  const { session } = fromRows(scene, alice)
  await session.connect()
  await session.cancel(session.view.runs()[0]!.runId)
  await expect(run.finished).resolves.toMatchObject({ reason: 'cancelled' })
  await alice.view.send('A short one?')
  const next = await scene.model.call(1)
  next.say('The end.')
  next.finish()
  await eventually(() => expect(statuses(session)).toEqual(['cancelled', 'complete']))
  expect(shown(session)).toEqual(shown(alice))
})

it('rows keep the branches of edits and regenerated replies', async () => {
  const scene = await startScene('rows-branches')
  const alice = await scene.open('alice')
  for (const [index, act] of [
    () => alice.view.send('Lisbon?'),
    () => alice.view.regenerate(alice.view.getMessages()[1]!.id),
    () => alice.view.edit(alice.view.getMessages()[0]!.id, 'Porto?'),
  ].entries()) {
    await act()
    const call = await scene.model.call(index)
    call.say(`Answer ${index}`)
    call.finish()
    await eventually(() => expect(shown(alice).at(-1)).toBe(`complete: Answer ${index}`))
  }
  const { session } = fromRows(scene, alice)
  expect(shown(session)).toEqual(['sent: Porto?', 'complete: Answer 2'])
  session.view.branch(session.view.getMessages()[0]!.id).select(0)
  expect(shown(session)).toEqual(['sent: Lisbon?', 'complete: Answer 1'])
  const reply = session.view.branch(session.view.getMessages()[1]!.id)
  expect([reply.siblings.length, reply.index]).toEqual([2, 1])
  reply.select(0)
  expect(shown(session)).toEqual(['sent: Lisbon?', 'complete: Answer 0'])
  const same = fromRows(scene, session).session
  expect(shown(same)).toEqual(shown(session))
  await same.connect()
  expect(shown(same)).toEqual(shown(session))
})
