import type * as Ably from 'ably'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAgentSession, Invocation } from '../../src/agent'
import { handFed, joinWire, named, transportOf } from '../support/agent'
import { beginning, delta } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { Action, startGateway } from '../support/gateway'
import { nextState, startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

let count = 0

/** A client of an agent whose frames the test sees, and can hold back. */
async function agentBehindGateway() {
  const gateway = await startGateway(endpoint)
  const clientId = `agent-${++count}`
  const client = endpoint.client({ clientId }, gateway.options)
  /** The messages that the client has sent so far. A round trip makes certain that none is still on its way. */
  const published = async (name: string): Promise<number> => {
    const barrier = client.channels.get(`ai:barrier-${++count}`)
    await barrier.attach()
    await barrier.detach()
    return gateway.sent.filter(({ action, channel }) => action === Action.message && channel === name).length
  }
  return { gateway, client, clientId, published }
}

/** A run that has streamed "One". */
async function aRunThatStreams(client: Ably.Realtime) {
  const name = `ai:reconnect-${++count}`
  const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
  const session = createAgentSession({ client, sessionName: name })
  const { inputEventId } = await alice.prompt('Hello')
  const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
  await run.start()
  const source = handFed()
  const piping = run.pipe(source.stream)
  source.push(...beginning('One'))
  const text = () => alice.heard.filter(named('ai-output')).map(({ data }) => data).join('') // prettier-ignore
  await eventually(() => expect(text()).toContain('One'))
  return { name, alice, run, source, piping, text }
}

describe('an agent that has lost its connection and connects again', () => {
  it('publishes nothing of a session before its channel is attached and the missed messages are read', async () => {
    const { gateway, client, clientId, published } = await agentBehindGateway()
    const { name, source, text } = await aRunThatStreams(client)
    const attach = gateway.hold(({ frame }) => frame?.channel === name)
    const read = gateway.hold(({ path }) => path?.includes(encodeURIComponent(name)) ?? false)
    const before = await published(name)
    const connected = nextState(client, 'connected')
    const restore = endpoint.dropConnection(clientId, { refuseFor: Infinity })
    endpoint.refuseResume()
    endpoint.breakContinuity(name)
    restore()
    await connected
    source.push(delta(' two'))
    await attach.isHolding
    await client.connection.ping()
    expect(await published(name)).toBe(before)

    attach()
    await read.isHolding
    source.push(delta(' three'))
    await client.connection.ping()
    expect(await published(name)).toBe(before)

    read()
    await eventually(() => expect(text()).toContain(' two three'))
  })

  it('publishes nothing more of a run that another agent has ended meanwhile', async () => {
    const { gateway, client, clientId, published } = await agentBehindGateway()
    const { name, alice, run, source, piping } = await aRunThatStreams(client)
    const attach = gateway.hold(({ frame }) => frame?.channel === name)
    endpoint.refuseResume()
    const before = await published(name)
    const connected = nextState(client, 'connected')
    endpoint.dropConnection(clientId)
    await connected
    source.push(delta(' two'))
    const start = await alice.hears(named('ai-run-start'))
    const transport = { ...transportOf(start), 'run-reason': 'error' }
    await alice.channel.publish({ name: 'ai-run-end', extras: { ai: { transport } } })
    attach()
    await eventually(() => expect(run.phase).toBe('over'))
    await piping
    await run.end()
    expect(await published(name)).toBe(before)
  })

  it('publishes nothing before the service has answered on a connection that it resumes', async () => {
    const { gateway, client, clientId, published } = await agentBehindGateway()
    const { name, source, text } = await aRunThatStreams(client)
    const before = await published(name)
    const answer = gateway.hold(({ frame }) => frame?.action === Action.heartbeat)
    const connected = nextState(client, 'connected')
    endpoint.dropConnection(clientId)
    await connected
    source.push(delta(' two'))
    await answer.isHolding
    expect(await published(name)).toBe(before)
    answer()
    await eventually(() => expect(text()).toContain(' two'))
  })

  it('goes on with its other sessions while the channel of one is being attached', async () => {
    const { gateway, client, clientId, published } = await agentBehindGateway()
    const held = await aRunThatStreams(client)
    const other = await aRunThatStreams(client)
    const attach = gateway.hold(({ frame }) => frame?.channel === held.name)
    endpoint.refuseResume()
    const before = await published(held.name)
    endpoint.dropConnection(clientId)
    await attach.isHolding
    held.source.push(delta(' two'))
    other.source.push(delta(' two'))
    await eventually(() => expect(other.text()).toContain(' two'))
    expect(await published(held.name)).toBe(before)
    attach()
    await eventually(() => expect(held.text()).toContain(' two'))
  })
})
