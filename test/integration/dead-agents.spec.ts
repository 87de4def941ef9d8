import { BaseRealtime, FetchRequest, Rest, WebSocketTransport } from 'ably/modular'
import type * as Ably from 'ably'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAgentSession, Invocation } from '../../src/agent'
import { ownerOnly } from '../../src/core/access'
import { deferred } from '../../src/core/signals'
import { handFed, joinWire, named, streamOf, textChunks, transportOf } from '../support/agent'
import { startAgentProcess } from '../support/agent-process'
import { beginning, delta, setStage, textOf } from '../support/agent-stage'
import { infoOf, useDeadAgents } from '../support/dead-agents'
import { eventually } from '../support/eventually'
import { handAgent } from '../support/hand-agent'
import { asking } from '../support/tools'
import { agentOn } from '../support/woken-agent'

const place = useDeadAgents()
const { skip, stopClocks, hurry, newName, open } = place

const endsOf = (heard: readonly Ably.InboundMessage[], runId: string) =>
  heard.filter(named('ai-run-end', { 'run-id': runId }))

describe('a run whose agent process was killed', () => {
  it('S31 is stalled on every device and counts as not running; a cancel from another device ends it as cancelled', async () => {
    let agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const alice = await open(name, 'alice', { agent: () => agent })
    const phone = await open(name, 'alice', { agent: () => agent })
    const bob = await open(name, 'bob', { client: modular('bob') })
    const { heard } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
    const sent = await alice.view.send('Count slowly')
    await sent.started
    await eventually(() => expect(infoOf(phone, sent.runId)?.status).toBe('active'))
    const text = () => textOf(sent.messages.at(-1)!.message)
    await eventually(() => expect(text()).toContain('w1 '))
    expect(phone.view.isRunning).toBe(true)

    await agent.kill()
    hurry()
    for (const device of [alice, phone, bob]) {
      await eventually(() => expect(infoOf(device, sent.runId)).toMatchObject({ status: 'active', stalled: true }))
      expect(device.view.isRunning).toBe(false)
    }
    const fresh = await open(name, 'dora')
    await fresh.view.loadOlder()
    await eventually(() => expect(infoOf(fresh, sent.runId)).toMatchObject({ stalled: true }))

    agent = await startAgentProcess(place.endpoint)
    await phone.cancel(sent.runId)
    for (const device of [alice, phone, bob, fresh]) {
      await eventually(() => expect(infoOf(device, sent.runId)?.status).toBe('cancelled'))
      expect(infoOf(device, sent.runId)).not.toHaveProperty('stalled')
    }
    expect(endsOf(heard, sent.runId)).toHaveLength(1)
    await expect(sent.finished).resolves.toEqual({ reason: 'cancelled' })
    expect(infoOf(alice, sent.runId)?.steps).toMatchObject([{ status: 'cancelled' }])
    expect(text()).toContain('w1 ')
  })

  it('S31 is not cancelled by "interrupt" once it is stalled, and another agent can adopt and finish it', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const alice = await open(name, 'alice', { agent: () => agent })
    const { heard } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
    const sent = await alice.view.send('Count slowly')
    await sent.started
    const text = () => textOf(sent.messages.at(-1)!.message)
    await eventually(() => expect(text()).toContain('w1 '))
    await agent.kill()
    hurry()
    await eventually(() => expect(infoOf(alice, sent.runId)).toMatchObject({ stalled: true }))
    await alice.view.send('Next', { whenBusy: 'interrupt', wake: false })
    expect(heard.filter(named('ai-cancel'))).toEqual([])

    const client = place.endpoint.client({ clientId: 'agent' })
    const session = createAgentSession({ client, sessionName: name })
    const { runId, inputEventId } = sent
    const run = await session.adoptRun({ runId, inputEventId, invocationId: infoOf(alice, runId)!.invocationId })
    await run.pipe(textChunks(['And done.'], 'm2'))
    await run.end()
    expect(await sent.finished).toEqual({ reason: 'complete' })
    expect(sent.messages.map(({ message }) => textOf(message)).join('')).toMatch(/w1 .*And done\./)
    expect(infoOf(alice, runId)).not.toHaveProperty('stalled')
    expect(endsOf(heard, runId)).toHaveLength(1)
    await session.end()
  })

  it('S31 is ended once it is known to be stalled if it was cancelled before', async () => {
    let agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const alice = await open(name, 'alice', { agent: () => agent })
    const sent = await alice.view.send('Count slowly')
    await sent.started
    // NOTE: the run must not stall before the cancel, however long the next agent takes to start
    stopClocks()
    await agent.kill()
    agent = await startAgentProcess(place.endpoint)
    await sent.cancel()
    expect(infoOf(alice, sent.runId)?.cancelling?.wake).toBeUndefined()
    hurry()
    await eventually(() => expect(infoOf(alice, sent.runId)?.status).toBe('cancelled'))
  })

  it('S31 is stalled also on a device whose clock was set back meanwhile', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const alice = await open(newName(), 'alice', { agent: () => agent })
    const sent = await alice.view.send('Count slowly')
    await sent.started
    agent.freeze()
    skip(25_000)
    // NOTE: time in which the session asks whether the silent agent is present, and finds it
    await new Promise((resolve) => setTimeout(resolve, 5000))
    skip(-3 * 3600 * 1000)
    await agent.kill()
    hurry()
    await eventually(() => expect(infoOf(alice, sent.runId)).toMatchObject({ status: 'active', stalled: true }))
  })

  it('S38 does not count in admit once it is stalled', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const alice = await joinWire(place.endpoint.client({ clientId: 'alice' }), name)
    const { inputEventId } = await alice.prompt('Count slowly')
    await agent.wake({ inputEventId, sessionName: name })
    await alice.hears(named('ai-output'))
    const limited = agentOn(name, place.endpoint, {
      admit: ({ active }) => active.length === 0,
      respond: (run) => run.pipe(streamOf(textChunks(['Hello']))),
    })
    const next = await alice.prompt('And now?')
    expect((await limited.wake(next.inputEventId)).status).toBe(429)
    await agent.kill()
    skip(20_000)
    await eventually(async () => expect((await limited.wake(next.inputEventId)).status).toBe(202))
  })

  it('is ended as an error, once, if agents are woken for another prompt two minutes later', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const { name, alice, readBack } = await setStage(place.endpoint)
    const { inputEventId } = await alice.prompt('Count slowly')
    const { body } = await agent.wake({ inputEventId, sessionName: name })
    await alice.hears(named('ai-output'))
    await agent.kill()
    const wakeOther = async (text: string) => {
      const others = [1, 2].map(() =>
        agentOn(name, place.endpoint, { respond: (run) => run.pipe(streamOf(textChunks(['Hi']))) }),
      )
      const next = await alice.prompt(text)
      await Promise.all(others.map((other) => other.wake(next.inputEventId)))
      return alice.hears(named('ai-run-end', { 'input-codec-message-id': next.inputId }))
    }
    await eventually(async () => expect(await alice.channel.presence.get()).toEqual([]))
    skip(60_000)
    await wakeOther('Too early')
    expect((await readBack(body.runId)).status).toBe('active')
    skip(62_000)
    await wakeOther('Late enough')
    const end = await alice.hears(named('ai-run-end', { 'run-id': body.runId }))
    expect(transportOf(end)).toMatchObject({
      'run-reason': 'error',
      'error-message': expect.stringContaining('stopped responding'),
    })
    await wakeOther('Again')
    expect(endsOf(alice.heard, body.runId)).toHaveLength(1)
  })
})

describe('a run whose agent process was killed, if onCancel refuses its cancels', () => {
  it('S31 stays stalled, and is ended as an error by the cancel that comes after two minutes', async () => {
    const killed = await startAgentProcess(place.endpoint)
    const name = newName()
    const { wake } = agentOn(name, place.endpoint, { onCancel: () => false, respond: () => undefined })
    const alice = await open(name, 'alice', { agent: () => killed })
    const bob = await open(name, 'bob')
    const { heard } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
    const { cancel } = await joinWire(place.endpoint.client({ clientId: 'alice' }), name)
    const sent = await alice.view.send('Count slowly')
    await sent.started
    await eventually(() => expect(heard.some(named('ai-output'))).toBe(true))
    await killed.kill()
    hurry()
    await eventually(() => expect(infoOf(bob, sent.runId)).toMatchObject({ stalled: true }))
    const refused = await cancel({ runId: sent.runId })
    await eventually(async () => expect(await wake(refused)).toMatchObject({ status: 200 }))
    await eventually(() => expect(heard.some(named('x-ai-cancel-refused', { 'run-id': sent.runId }))).toBe(true))
    expect(infoOf(bob, sent.runId)).toMatchObject({ status: 'active', stalled: true })
    skip(121_000)
    await wake(await cancel({ runId: sent.runId }))
    for (const each of [alice, bob]) await eventually(() => expect(infoOf(each, sent.runId)?.status).toBe('error'))
    expect(infoOf(bob, sent.runId)).not.toHaveProperty('stalled')
    expect(endsOf(heard, sent.runId)).toHaveLength(1)
  })
})

it('S31 a run whose agent process was killed is ended as an error after two minutes if onCancel never decides on its cancel', async () => {
  const killed = await startAgentProcess(place.endpoint)
  const name = newName()
  const { wake } = agentOn(name, place.endpoint, {
    onCancel: () => new Promise(() => undefined),
    respond: () => undefined,
  })
  const { cancel, channel, prompt, hears } = await joinWire(place.endpoint.client({ clientId: 'alice' }), name)
  const { inputEventId } = await prompt('Count slowly')
  const { body } = await killed.wake({ inputEventId, sessionName: name })
  await hears(named('ai-output'))
  await killed.kill()
  await eventually(async () => expect(await channel.presence.get()).toEqual([]))
  skip(121_000)
  expect(await wake(await cancel({ runId: body.runId }))).toMatchObject({ status: 200 })
  const end = await hears(named('ai-run-end', { 'run-id': body.runId }))
  expect(transportOf(end)).toMatchObject({ 'run-reason': 'error' })
})

describe('a run whose agent process gets SIGTERM', () => {
  it('ends as cancelled, with the text so far, before the process exits', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const { name, alice, readBack } = await setStage(place.endpoint)
    const { inputEventId } = await alice.prompt('Count slowly')
    const { body } = await agent.wake({ inputEventId, sessionName: name })
    await eventually(async () => expect((await readBack(body.runId)).texts.join('')).toContain('w1 '))
    await agent.terminate()
    await alice.hears(named('ai-run-end', { 'run-id': body.runId }))
    const { status, texts } = await readBack(body.runId)
    expect(status).toBe('cancelled')
    expect(texts.join('')).toContain('w1 ')
  })
})

describe('a suspended run whose agent has restarted', () => {
  /** A run that waits for an answer, after its agent has left. */
  async function left() {
    const stage = await setStage(place.endpoint, { name: newName() })
    const run = await stage.started('Where am I?')
    await run.pipe(asking('call-1'))
    await run.end()
    await stage.session.detach()
    return { ...stage, run }
  }

  it('S31 is ended by a cancel, once, although several devices wake several agents', async () => {
    const { name, alice, run } = await left()
    const agents = await Promise.all([startAgentProcess(place.endpoint), startAgentProcess(place.endpoint)])
    const devices = await Promise.all(agents.map((agent) => open(name, 'alice', { agent: () => agent })))
    await Promise.all(devices.map((device) => device.view.loadOlder()))
    await Promise.all(devices.map((device) => device.cancel(run.runId)))
    for (const device of devices) await eventually(() => expect(infoOf(device, run.runId)?.status).toBe('cancelled'))
    expect(endsOf(alice.heard, run.runId)).toHaveLength(1)
  })

  it('S31 is ended by an agent that is woken for another prompt, which waitUntil keeps alive for it', async () => {
    const { name, alice, run } = await left()
    await alice.cancel({ runId: run.runId })
    const decision = deferred<boolean>()
    const { agent } = agentOn(name, place.endpoint, {
      onCancel: () => decision.promise,
      respond: (own) => own.pipe(streamOf(textChunks(['Hi']))),
    })
    const { inputId, inputEventId } = await alice.prompt('Hello')
    const work: Promise<unknown>[] = []
    let isOver = false
    await agent.fetch(
      new Request('http://agent.test/', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputEventId, sessionName: name }),
      }),
      { waitUntil: (promise) => void work.push(promise.then(() => (isOver = true))) },
    )
    await alice.hears(named('ai-run-end', { 'input-codec-message-id': inputId }))
    await alice.channel.history()
    expect(isOver).toBe(false)
    decision.resolve(true)
    await Promise.all(work)
    expect(work).toHaveLength(1)
    await alice.hears(named('ai-run-end', { 'run-id': run.runId }))
  })

  it('stays suspended if onCancel refuses the cancel, and the refusal shows', async () => {
    const { name, alice, run } = await left()
    const { wake } = agentOn(name, place.endpoint, { onCancel: () => false, respond: () => undefined })
    const answer = await wake(await alice.cancel({ runId: run.runId }))
    expect(answer).toMatchObject({ status: 200, body: { runId: run.runId, handled: true } })
    await alice.hears(named('x-ai-cancel-refused', { 'run-id': run.runId }))
    expect(endsOf(alice.heard, run.runId)).toEqual([])
  })

  it('stays suspended if policy refuses the cancel, which shows on devices without the policy once an agent is woken', async () => {
    const { name, alice, run } = await left()
    const device = await open(name, 'bob')
    await device.view.loadOlder()
    await device.cancel(run.runId)
    await eventually(() => expect(infoOf(device, run.runId)?.cancelling).toMatchObject({ by: 'bob' }))
    expect(infoOf(device, run.runId)?.cancelling).not.toHaveProperty('refused')
    const { wake } = agentOn(name, place.endpoint, { agents: 'agent', policy: ownerOnly, respond: () => undefined })
    expect(await wake((await alice.prompt('Hello')).inputEventId)).toMatchObject({ status: 202 })
    await eventually(() => expect(infoOf(device, run.runId)?.cancelling).toMatchObject({ by: 'bob', refused: true }))
    expect(infoOf(device, run.runId)?.status).toBe('suspended')
    expect(endsOf(alice.heard, run.runId)).toEqual([])
  })
})

describe('a run whose agent is alive', () => {
  it('is left alone by an agent woken for its cancel: 200 while its agent is present, 429 while that is unknown', async () => {
    const { name, alice, session, started } = await setStage(place.endpoint)
    const run = await started('Hello', { onCancel: () => false })
    await alice.hears(named('ai-run-start'))
    const { wake } = agentOn(name, place.endpoint, { respond: () => undefined })
    const cancel = await alice.cancel({ runId: run.runId })
    expect(await wake(cancel)).toMatchObject({ status: 200, body: { runId: run.runId } })
    await session.detach()
    expect((await wake(await alice.cancel({ runId: run.runId }))).status).toBe(429)
    expect(endsOf(alice.heard, run.runId)).toEqual([])
  })

  it('aborts and publishes nothing more if another agent has ended it', async () => {
    const { name, alice, started } = await setStage(place.endpoint)
    const run = await started('Hello')
    const source = handFed()
    source.push(...beginning('First'))
    const piping = run.pipe(source.stream)
    await alice.hears(({ action }) => action === 'message.append')
    const other = place.endpoint.client({ clientId: 'agent' }).channels.get(name)
    const start = await alice.hears(named('ai-run-start'))
    const transport = { ...transportOf(start), 'run-reason': 'error' }
    await other.publish({ name: 'ai-run-end', extras: { ai: { transport } } })
    await eventually(() => expect(run.phase).toBe('over'))
    expect(run.abortSignal.aborted).toBe(true)
    source.push(delta(' Second'))
    await expect(piping).resolves.toEqual({ reason: 'cancelled' })
    await run.end()
    await other.publish({ name: 'last', data: 'last' })
    await alice.hears(named('last'))
    const end = alice.heard.findIndex(named('ai-run-end'))
    expect(alice.heard.slice(end + 1).map((message) => message.name)).toEqual(['last'])
  })

  it('aborts if another agent has ended it while it was starting', async () => {
    const { name, alice, create } = await setStage(place.endpoint)
    const other = place.endpoint.client({ clientId: 'agent' }).channels.get(name)
    const { inputEventId } = await alice.prompt('Hello')
    const output = { 'run-id': 'mine', 'codec-message-id': 'm', 'stream-id': 't', stream: 'true', status: 'streaming' }
    // The start waits for the end of a text that another process has open
    await other.publish({ name: 'ai-output', data: 'Hi', extras: { ai: { transport: output, codec: { kind: 'text', id: 't' } } } }) // prettier-ignore
    const run = create(inputEventId, { runId: 'mine' })
    const starting = run.start()
    const start = await alice.hears(named('ai-run-start'))
    const transport = { ...transportOf(start), 'run-reason': 'error' }
    expect(run.phase).toBe('starting')
    await other.publish({ name: 'ai-run-end', extras: { ai: { transport } } })
    await starting
    expect(run.phase).toBe('over')
    expect(run.abortSignal.aborted).toBe(true)
  })

  it('of an agent without presence is ended only after a cancel was unanswered for a minute', async () => {
    const { name, alice } = await setStage(place.endpoint)
    const peer = handAgent(place.endpoint.client({ clientId: 'agent' }), name)
    const { inputId } = await alice.prompt('Hello')
    const run = await peer.startRun('peers', inputId, 'alice')
    const text = await run.text()
    const { wake } = agentOn(name, place.endpoint, { respond: (own) => own.pipe(streamOf(textChunks(['Hi']))) })
    const wakeForPrompt = async () => wake((await alice.prompt('Next')).inputEventId)
    skip(200_000)
    await wakeForPrompt()
    const cancel = await alice.cancel({ runId: 'peers' })
    stopClocks()
    await text.append('I am here')
    skip(59_999)
    expect((await wake(cancel)).status).toBe(429)
    skip(1)
    expect((await wake(cancel)).status).toBe(200)
    const end = await alice.hears(named('ai-run-end', { 'run-id': 'peers' }))
    expect(transportOf(end)['run-reason']).toBe('cancelled')
  })

  it("is named beside other sessions' runs of the same client on the channel", async () => {
    const { name, agentClient, alice, started } = await setStage(place.endpoint)
    const first = await started('One')
    const session = createAgentSession({ client: agentClient, sessionName: name })
    const { inputEventId } = await alice.prompt('Two')
    const second = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
    await second.start()
    const named = async () => (await alice.channel.presence.get()).map(({ data }) => (data as { runs: string[] }).runs)
    await eventually(async () => expect(await named()).toEqual([[first.runId, second.runId]]))
    await second.end()
    await session.detach()
    await eventually(async () => expect(await named()).toEqual([[first.runId]]))
    await first.end()
    await eventually(async () => expect(await named()).toEqual([]))
  })

  it('ends under the message id that another agent would use, so the channel has one end', async () => {
    const { name, alice, started } = await setStage(place.endpoint)
    const run = await started('Hello')
    const start = await alice.hears(named('ai-run-start'))
    const id = `${run.runId}-end:0`
    const other = place.endpoint.client({ clientId: 'agent' }).channels.get(name)
    const transport = { ...transportOf(start), 'run-reason': 'error' }
    await Promise.all([other.publish({ id, name: 'ai-run-end', extras: { ai: { transport } } }), run.end()])
    await other.publish({ name: 'last', data: 'last' })
    await alice.hears(({ name: heard }) => heard === 'last')
    expect(
      endsOf(
        alice.heard.filter(({ name: heard }) => heard === 'ai-run-end'),
        run.runId,
      ),
    ).toMatchObject([{ id }])
  })

  it('ends although a client has published another message under that id', async () => {
    const { alice, started } = await setStage(place.endpoint)
    const run = await started('Hello')
    await alice.channel.publish({ id: `${run.runId}-end:0`, name: 'chatter', data: '' })
    await run.end()
    const end = await alice.hears(named('ai-run-end', { 'run-id': run.runId }))
    expect(transportOf(end)['run-reason']).toBe('complete')
  })

  it('costs two presence messages, one when it starts and one when it ends', async () => {
    const { name, started } = await setStage(place.endpoint)
    const presence: string[] = []
    const watcher = place.endpoint.client({ clientId: 'watcher' }).channels.get(name)
    await watcher.presence.subscribe(({ action }) => void presence.push(action))
    const run = await started('Hello')
    await eventually(async () => {
      const [member] = await watcher.presence.get()
      expect(member).toMatchObject({ clientId: 'agent', data: { runs: [run.runId] } })
    })
    await run.pipe(streamOf(textChunks(['Hi'])))
    await run.end()
    await eventually(() => expect(presence).toEqual(['enter', 'leave']))
  })
})

it('a wake-up for the cancel of an ended or unknown run does nothing', async () => {
  const { name, alice, session, started } = await setStage(place.endpoint)
  const run = await started('Hello')
  await run.end()
  for (const runId of [run.runId, 'unknown']) {
    const inputEventId = await alice.cancel({ runId })
    const late = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
    await expect(late.start()).rejects.toMatchObject({ name: 'SessionError', runId })
  }
})

function modular(clientId: string): Ably.RealtimeClient {
  const plugins = { WebSocketTransport, FetchRequest, Rest }
  const client = new BaseRealtime({ ...place.endpoint.clientOptions({ clientId }), logLevel: 0, plugins })
  onTestFinished(() => client.close())
  return client
}
