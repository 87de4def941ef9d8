import { stepsOf } from '../support/steps'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { createClientSession } from '../../src/store/create-client-session'
import { eventScenes, type EventScene } from '../support/event-scenes'
import { Events } from '../support/events'
import { fakeAbly, FakeChannel } from '../support/fake-ably'

const part = 120
const parts = 4

// NOTE: a client that can wake an agent looks at cancels more closely
const trusts = {
  'by any client': { agent: '/api/agent' },
  'under a policy': {
    agents: 'agent',
    policy: ({ clientId }: { clientId?: string }) => clientId !== 'mallory',
  },
}

/** The steps that each quarter of the events takes, each event shown at once. */
async function stepsByQuarter(scene: EventScene, trust: object): Promise<number[]> {
  const channel = new FakeChannel()
  const session = createClientSession({
    client: fakeAbly(channel),
    sessionName: channel.name,
    codec: UIMessageCodec,
    ...trust,
  })
  await session.connect()
  for (const message of scene.before ?? []) channel.deliver(message)
  const events = Array.from({ length: part * parts }, (_, index) => scene.event(index))
  const steps = Array.from({ length: parts }, (_, quarter) =>
    stepsOf(() => {
      for (const messages of events.slice(quarter * part, (quarter + 1) * part)) {
        for (const message of messages) channel.deliver(message)
      }
    }),
  )
  expect(session.view.getMessages()).toHaveLength(scene.shown(part * parts))
  await session.close()
  return steps
}

describe.each(Object.entries(trusts))('many events of one kind %s', (_, trust) => {
  it.each(Object.keys(eventScenes))('cost the same for each, however many came before: %s', async (name) => {
    const [, second, , fourth] = await stepsByQuarter(eventScenes[name]!(new Events(), part * parts), trust)
    // NOTE: twice as many events may come before, and a search among them takes one step more
    expect(fourth! / second!).toBeLessThan(1.2)
  })
})
