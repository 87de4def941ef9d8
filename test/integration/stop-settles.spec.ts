import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src'
import { joinWire, named, transportOf } from '../support/agent'
import { startAgentProcess } from '../support/agent-process'
import { textOf } from '../support/agent-stage'
import { infoOf, useDeadAgents } from '../support/dead-agents'
import { eventually } from '../support/eventually'

const place = useDeadAgents()
const { skip, hurry, newName, open } = place

describe('a run whose agent process restarts between its suspend and Stop', () => {
  it.for(['SIGTERM', 'SIGKILL'] as const)(
    'S31 %s: ends as cancelled within seconds, once, and the tool can no longer be answered',
    async (signal) => {
      let agent = await startAgentProcess(place.endpoint)
      const name = newName()
      const alice = await open(name, 'alice', { agent: () => agent })
      const { heard, hears } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
      const run = await alice.view.send('Where am I?')
      await eventually(() => expect(run.status).toBe('suspended'))
      await (signal === 'SIGTERM' ? agent.terminate() : agent.kill())
      expect(run.status).toBe('suspended')
      agent = await startAgentProcess(place.endpoint)

      await run.cancel()
      await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
      const { id } = alice.view.getMessages().at(-1)!
      const output = UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output: 'Lisbon' })
      await expect(alice.view.answer(id, output)).rejects.toThrow('the run that asked has ended')
      await hears(named('ai-run-end', { 'run-id': run.runId }))
      await (
        await alice.view.send('Hello')
      ).finished
      expect(heard.filter(named('ai-run-end', { 'run-id': run.runId }))).toHaveLength(1)
    },
  )

  it('S31 is ended although the Stop was published while no agent could be woken', async () => {
    let agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const alice = await open(name, 'alice', { agent: () => agent })
    const run = await alice.view.send('Where am I?')
    await eventually(() => expect(run.status).toBe('suspended'))
    await agent.kill()
    await run.cancel()
    await eventually(() => expect(infoOf(alice, run.runId)?.cancelling?.wake?.error).toBeDefined())
    agent = await startAgentProcess(place.endpoint)
    await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
  })

  it.for(['cancel', 'cancelAll'] as const)(
    'S31 is ended by a second Stop (%s) if the wake for the first has failed for good',
    async (verb) => {
      let agent = await startAgentProcess(place.endpoint)
      const name = newName()
      let isDeployed = true
      const wake = async (request: Request): Promise<Response> =>
        isDeployed ? fetch(agent.url, { method: 'POST', headers: request.headers, body: await request.text() }) : new Response('no route', { status: 404 }) // prettier-ignore
      const alice = await open(name, 'alice', { wake })
      const run = await alice.view.send('Where am I?')
      await eventually(() => expect(run.status).toBe('suspended'))
      isDeployed = false
      await agent.kill()
      await run.cancel()
      await eventually(() => expect(infoOf(alice, run.runId)?.cancelling?.wake?.state).toBe('failed'))
      agent = await startAgentProcess(place.endpoint)
      isDeployed = true
      await (verb === 'cancel' ? run.cancel() : alice.cancelAll())
      await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
    },
  )

  it('S31 is ended by an agent that is woken for another prompt, after the device that stopped it has left', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const alice = await open(name, 'alice', { agent: () => agent })
    const run = await alice.view.send('Where am I?')
    await eventually(() => expect(run.status).toBe('suspended'))
    await agent.kill()
    const { runId } = run
    const wire = await joinWire(place.endpoint.client({ clientId: 'alice' }), name)
    await wire.cancel({ runId })
    await alice.close()

    const next = await startAgentProcess(place.endpoint)
    const bob = await open(name, 'bob', { agent: () => next })
    const prompt = await bob.view.send('Hello')
    await prompt.finished
    await bob.view.loadUntil(() => false)
    await eventually(() => expect(infoOf(bob, runId)?.status).toBe('cancelled'))
  })
})

describe('a run whose agent process crashed', () => {
  it('S31 S36 is shown as cancelled by a device that was offline while another device stopped it', async () => {
    let agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const laptop = await open(name, 'alice', { agent: () => agent })
    const client = place.endpoint.client({ clientId: 'alice' })
    const phone = await open(name, 'alice', { client, agent: () => agent })
    const run = await laptop.view.send('Count slowly')
    await run.started
    await eventually(() => expect(infoOf(phone, run.runId)?.status).toBe('active'))
    const { id } = client.connection
    const restore = place.endpoint.dropConnection(({ connectionId }) => connectionId === id, { refuseFor: Infinity })
    await agent.kill()
    agent = await startAgentProcess(place.endpoint)
    hurry()
    await laptop.cancel(run.runId)
    await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
    expect(infoOf(phone, run.runId)?.status).toBe('active')
    restore()
    await eventually(() => expect(infoOf(phone, run.runId)).toMatchObject({ status: 'cancelled' }))
    expect(phone.view.isRunning).toBe(false)
    expect(phone.view.getMessages().map(({ message }) => textOf(message))).toEqual(
      laptop.view.getMessages().map(({ message }) => textOf(message)),
    )
  })

  it('S38 three times keeps no place of `admit`: "Stop all" frees the session within ten seconds', async () => {
    const name = newName()
    // NOTE: all start before the first is killed, because the service soon drops a killed one from presence
    const agents = await Promise.all([1, 2, 3, 4].map(() => startAgentProcess(place.endpoint, { admitted: 3 })))
    const alice = await open(name, 'alice', { agent: () => agents[0]! })
    const crashed = []
    for (const number of [1, 2, 3]) {
      const run = await alice.view.send(`Count slowly ${number}`)
      await run.started
      crashed.push(run)
      await agents.shift()!.kill()
    }
    const next = await alice.view.send('Hello')
    await eventually(() => expect(next.wake?.error?.message).toContain('3 runs of the session are active'))
    // The service drops the last process from presence, and the last chunk of its run is five seconds old
    const carol = place.endpoint.client({ clientId: 'carol' }).channels.get(name)
    await eventually(async () => expect(await carol.presence.get()).toEqual([]))
    skip(5000)
    await Promise.all(crashed.map((run) => alice.cancel(run.runId)))
    await Promise.all(crashed.map((run) => expect(run.finished).resolves.toEqual({ reason: 'cancelled' })))
    await expect(next.finished).resolves.toEqual({ reason: 'complete' })
    expect(alice.view.isRunning).toBe(false)
  })

  it('S38 keeps no place of `admit` once it is stalled, although it was not stopped', async () => {
    const name = newName()
    const agents = await Promise.all([1, 2].map(() => startAgentProcess(place.endpoint, { admitted: 1 })))
    const alice = await open(name, 'alice', { agent: () => agents[0]! })
    const run = await alice.view.send('Count slowly')
    await run.started
    await agents.shift()!.kill()
    const next = await alice.view.send('Hello')
    await eventually(() => expect(next.wake?.error?.message).toContain('1 runs of the session are active'))
    skip(20_000)
    await expect(next.finished).resolves.toEqual({ reason: 'complete' })
    expect(run.status).toBe('active')
  })

  it('S31 ends after a cancel and a minute of silence, if its agent had no presence plugin', async () => {
    const name = newName()
    let agent = await startAgentProcess(place.endpoint, { hasPresence: false })
    const alice = await open(name, 'alice', { agent: () => agent })
    const { hears } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
    const run = await alice.view.send('Count slowly')
    await run.started
    expect(transportOf(await hears(named('ai-run-start')))).not.toHaveProperty('agent-presence')
    await agent.kill()
    agent = await startAgentProcess(place.endpoint, { hasPresence: false })
    await run.cancel()
    hurry()
    await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
    expect(infoOf(alice, run.runId)).not.toHaveProperty('stalled')
  })
})

describe('an agent process that lost its connection', () => {
  it('for a minute continues its run, and agents that are woken meanwhile do not end it', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const other = await startAgentProcess(place.endpoint)
    const name = newName()
    let woken = agent
    const alice = await open(name, 'alice', { agent: () => woken })
    const run = await alice.view.send('Count slowly')
    await run.started
    const text = (): string => textOf(alice.view.getMessages().find(({ runId }) => runId === run.runId)!.message)
    await eventually(() => expect(text()).toContain('w1 '))
    const restore = place.endpoint.dropConnection('agent', { refuseFor: Infinity })
    const since = Date.now()
    hurry()
    await eventually(() => expect(infoOf(alice, run.runId)).toMatchObject({ status: 'active', stalled: true }))
    await eventually(() => expect(Date.now() - since).toBeGreaterThan(60_000))
    restore()
    const before = text()
    await eventually(() => expect(text().length).toBeGreaterThan(before.length))
    await eventually(() => expect(infoOf(alice, run.runId)).not.toHaveProperty('stalled'))
    woken = other
    await (
      await alice.view.send('Hello')
    ).finished
    expect(infoOf(alice, run.runId)?.status).toBe('active')
    await run.cancel()
    await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
  })

  it('for longer finds its run ended, once, publishes no more of it, and answers the next prompt', async () => {
    const agent = await startAgentProcess(place.endpoint)
    const name = newName()
    let woken = agent
    const alice = await open(name, 'alice', { agent: () => woken })
    const { heard } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
    const run = await alice.view.send('Count slowly')
    await run.started
    const isCutOff = new Set<string | undefined>()
    await eventually(() => expect(heard.some(named('ai-output'))).toBe(true))
    isCutOff.add(heard.find(named('ai-output'))!.connectionId)
    const restore = place.endpoint.dropConnection(({ connectionId }) => isCutOff.has(connectionId), {
      refuseFor: Infinity,
    })
    const carol = place.endpoint.client({ clientId: 'carol' }).channels.get(name)
    await eventually(async () => expect(await carol.presence.get()).toEqual([]))
    skip(121_000)
    woken = await startAgentProcess(place.endpoint)
    await (
      await alice.view.send('Hello')
    ).finished
    await eventually(() => expect(infoOf(alice, run.runId)?.status).toBe('error'))
    restore()
    woken = agent
    await (
      await alice.view.send('Are you back?')
    ).finished
    const of = (runId: string) => heard.filter((message) => transportOf(message)['run-id'] === runId)
    const count = of(run.runId).length
    await (
      await alice.view.send('Good')
    ).finished
    expect(of(run.runId)).toHaveLength(count)
    expect(heard.filter(named('ai-run-end', { 'run-id': run.runId }))).toHaveLength(1)
    expect(infoOf(alice, run.runId)?.status).toBe('error')
  })
})

describe('a run whose agent process is frozen', () => {
  it('S31 is stalled, and a Stop ends it; the process ends its work when it goes on, and changes nothing any more', async () => {
    const frozen = await startAgentProcess(place.endpoint)
    const name = newName()
    let agent = frozen
    const alice = await open(name, 'alice', { agent: () => agent })
    const { heard } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
    const run = await alice.view.send('Count slowly')
    await run.started
    const shown = (device = alice) => device.view.getMessages().map(({ message, state }) => [state, textOf(message)])
    await eventually(() => expect(shown().at(-1)![1]).toContain('w1 '))

    frozen.freeze()
    // NOTE: a service drops the connection of a process that does not respond
    place.endpoint.dropConnection('agent')
    hurry()
    await eventually(() => expect(infoOf(alice, run.runId)).toMatchObject({ status: 'active', stalled: true }))
    agent = await startAgentProcess(place.endpoint)
    await run.cancel()
    await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
    const stopped = shown()
    expect(stopped.at(-1)).toEqual(['cancelled', expect.stringContaining('w1 ')])

    frozen.thaw()
    await frozen.aborts(run.runId)
    await eventually(async () => {
      // The process has connected again: it can answer the next prompt
      agent = frozen
      const next = await alice.view.send('Hello')
      await expect(next.finished).resolves.toEqual({ reason: 'complete' })
    })
    // NOTE: a token that was on its way when the connection broke still arrives, and belongs to the stopped run
    const [asked, [, text]] = stopped as [[string, string], [string, string]]
    expect(shown().slice(0, 2)).toEqual([asked, ['cancelled', expect.stringMatching(new RegExp(`^${text}(w\\d )?$`))]])
    const fresh = await open(name, 'dora')
    await fresh.view.loadUntil(() => false)
    expect(shown(fresh)).toEqual(shown())
    expect(heard.filter(named('ai-run-end', { 'run-id': run.runId }))).toHaveLength(1)
    expect(infoOf(fresh, run.runId)).toMatchObject({ status: 'cancelled' })
  })
})
