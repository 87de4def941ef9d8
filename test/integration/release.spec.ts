import type * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import { createClientSession, UIMessageCodec, type ClientSession } from '../../src'
import { createAgentSession, defineAgent } from '../../src/agent'
import { SharedSessions } from '../../src/agent/shared-sessions'
import { joinWire, named, streamOf, textChunks } from '../support/agent'
import { promptMessage } from '../support/conversation'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

let count = 0
const freshName = () => `ai:released-${++count}`

const make = (client: Ably.Realtime, channelName: string) =>
  createClientSession({ client, channelName, codec: UIMessageCodec })

const channelsOf = (client: Ably.Realtime) => Object.keys(client.channels.all)

/** Publishes a prompt from another client, and waits until the session shows it. */
async function hears(session: ClientSession<UIMessage>, text: string) {
  const writer = endpoint.client({ clientId: 'writer' })
  await writer.channels.get(session.channelName).publish([promptMessage(`prompt-${++count}`, text)])
  await eventually(() => expect(JSON.stringify(session.view.snapshot())).toContain(text))
}

describe('a client whose sessions are closed', () => {
  it('keeps none of 100 channels that were opened', async () => {
    const client = endpoint.client({ clientId: 'alice' })
    const sessions = Array.from({ length: 100 }, () => make(client, freshName()))
    await Promise.all(sessions.map((session) => session.connect()))
    expect(channelsOf(client)).toHaveLength(100)
    await Promise.all(sessions.map((session) => session.close()))
    expect(channelsOf(client)).toEqual([])
  })

  it('keeps no channel that was never attached, was left while attaching, or was refused', async () => {
    const client = endpoint.client(
      { clientId: 'alice' },
      {
        authCallback: (_, done) =>
          done(null, endpoint.createToken({ clientId: 'alice', capability: { 'ai:released-*': ['*'] } })),
      },
    )
    const [idle, hasty, refused] = [make(client, freshName()), make(client, freshName()), make(client, 'ai:forbidden')]
    expect(channelsOf(client)).toEqual([])
    const connecting = hasty.connect()
    await Promise.all([idle.close(), hasty.close()])
    await expect(connecting).rejects.toMatchObject({ code: 104004 })
    await expect(refused.connect()).rejects.toMatchObject({ code: 40160 })
    await refused.close()
    expect(channelsOf(client)).toEqual([])
  })

  it('works with a session that opens in the tick in which the last one closes', async () => {
    const client = endpoint.client({ clientId: 'alice' })
    const name = freshName()
    const first = make(client, name)
    await first.connect()
    const closing = first.close()
    const second = make(client, name)
    await Promise.all([closing, second.connect()])
    expect(second.status).toBe('ready')
    await hears(second, 'still here')
    await second.close()
    expect(channelsOf(client)).toEqual([])
  })

  it('works with a session that was created before and opened after', async () => {
    const client = endpoint.client({ clientId: 'alice' })
    const name = freshName()
    const [first, second] = [make(client, name), make(client, name)]
    await first.connect()
    const old = client.channels.get(name)
    await first.close()
    await second.connect()
    expect(client.channels.get(name)).not.toBe(old)
    await hears(second, 'a new channel')
    await second.presence.enter()
    await second.close()
  })

  it('keeps the other sessions of a channel working when one leaves', async () => {
    const client = endpoint.client({ clientId: 'alice' })
    const name = freshName()
    const [first, second] = [make(client, name), make(client, name)]
    await Promise.all([first.connect(), second.connect()])
    await first.close()
    await hears(second, 'one is left')
    await second.close()
    expect(channelsOf(client)).toEqual([])
  })

  it('keeps a channel that another session has opened while it was being left', async () => {
    const client = endpoint.client({ clientId: 'alice' })
    const name = freshName()
    const [first, second, third] = [make(client, name), make(client, name), make(client, name)]
    await first.connect()
    const closing = first.close()
    const connecting = second.connect().catch(() => undefined)
    const left = second.close()
    await Promise.all([closing, left, connecting, third.connect()])
    await hears(third, 'the third')
    await third.close()
    expect(channelsOf(client)).toEqual([])
  })
})

describe('a channel that the app has created', () => {
  it('stays after the session on it is closed, and can be attached again', async () => {
    const client = endpoint.client({ clientId: 'alice' })
    const name = freshName()
    const own = client.channels.get(name)
    const session = make(client, name)
    await session.connect()
    await session.close()
    expect(client.channels.get(name)).toBe(own)
    await own.attach()
    expect(own.state).toBe('attached')
  })
})

describe('an agent', () => {
  it('keeps no channel of a session that it has left', async () => {
    const client = endpoint.client({ clientId: 'agent' })
    const sessions = new SharedSessions((sessionName) => createAgentSession({ client, sessionName }), 10)
    const [one, two] = [freshName(), freshName()]
    const leases = await Promise.all([one, two].map((name) => sessions.acquire(name)))
    await Promise.all(leases.map(({ session }) => session.connect()))
    expect(channelsOf(client)).toEqual([one, two])
    for (const { release } of leases) release()
    await eventually(() => expect(channelsOf(client)).toEqual([]))
  })

  it('keeps no channel after it has answered and is closed', async () => {
    const client = endpoint.client({ clientId: 'agent' })
    const agent = defineAgent({
      client: () => client,
      authorize: () => true,
      respond: (run) => run.pipe(streamOf(textChunks(['Hello']))),
    })
    const sessionName = freshName()
    const alice = await joinWire(endpoint.client({ clientId: 'alice' }), sessionName)
    const { inputEventId } = await alice.prompt('hi')
    const body = JSON.stringify({ inputEventId, sessionName })
    const headers = { 'content-type': 'application/json' }
    await agent.fetch(new Request('http://agent.test/', { method: 'POST', headers, body }))
    await alice.hears(named('ai-run-end'))
    expect(channelsOf(client)).toEqual([sessionName])
    await agent.close()
    expect(channelsOf(client)).toEqual([])
  })
})
