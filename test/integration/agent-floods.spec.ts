import { beforeAll, describe, expect, it } from 'vitest'
import { ownerOnly } from '../../src/core/access'
import { named, transportOf } from '../support/agent'
import { setStage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { asking } from '../support/tools'
import { agentOn, wokenAgent } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

describe('wake-up requests for inputs that do not exist', () => {
  it('take no place of maxConcurrent, and do not delay prompts that exist', async () => {
    const { wake, ask } = await wokenAgent(endpoint, { maxConcurrent: 1 })
    const bogus = Array.from({ length: 150 }, (_, index) => wake(`nothing-${index}`))
    expect((await ask()).status).toBe(202)
    const refused = await Promise.all(bogus.slice(0, 49))
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]))
  })
})

describe('cancels that are refused', () => {
  const cancels = (runId: string, clients: number) =>
    Array.from({ length: 1000 }, (_, index) => {
      const transport = { 'run-id': runId, 'event-id': `c${index}` }
      const clientId = `stranger-${index % clients}`
      return { name: 'ai-cancel', clientId, data: 'x'.repeat(index % 500), extras: { ai: { transport } } }
    })

  it.each([1, 500])('1,000 of %i clients cost one decision each, few refusals and no hook', async (clients) => {
    let decisions = 0
    const asked: string[] = []
    const { name, alice, agent, ask, sources } = await wokenAgent(endpoint, {
      agents: 'agent',
      policy: (act) => {
        if (act.clientId?.startsWith('stranger')) decisions++
        return ownerOnly(act)
      },
      onCancel: ({ clientId = '' }) => void asked.push(clientId),
    })
    const { body } = await ask()
    const strangers = endpoint.rest().channels.get(name)
    const since = performance.now()
    for (let from = 0; from < 1000; from += 100)
      await strangers.publish(cancels(body.runId, clients).slice(from, from + 100))
    sources[0]!.push({ type: 'text-start', id: 't' }, { type: 'text-delta', id: 't', delta: 'Still here' })
    await alice.hears(({ data }) => data === 'Still here')
    await alice.cancel({ runId: body.runId })
    const end = await alice.hears(named('ai-run-end', { 'run-id': body.runId }))
    expect(transportOf(end)['run-reason']).toBe('cancelled')
    expect(asked).toEqual(['alice'])
    expect(decisions).toBeLessThan(3500)
    const refusals = alice.heard.filter(named('x-ai-cancel-refused'))
    expect(refusals.length).toBeGreaterThan(0)
    // NOTE: two a second, however long it takes; timers may be early by a millisecond
    expect(refusals.length).toBeLessThanOrEqual(1 + (performance.now() - since) / 490)
    await agent.close()
  })

  it('a hook that decides slowly on the cancels of a stranger does not delay the Stop of the owner', async () => {
    const asked: string[] = []
    const onCancel = ({ clientId = '' }) => {
      asked.push(clientId)
      return clientId === 'alice' || new Promise<boolean>(() => {})
    }
    const { name, alice, ask } = await wokenAgent(endpoint, { onCancel })
    const { body } = await ask()
    await endpoint.rest().channels.get(name).publish(cancels(body.runId, 1).slice(0, 100))
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end', { 'run-id': body.runId }))
    expect(asked).toEqual(['stranger-0', 'alice'])
  })
})

describe('cancels of a suspended run whose agent is gone', () => {
  /** A suspended run, with 60 cancels by six strangers. */
  async function flooded() {
    const stage = await setStage(endpoint)
    const run = await stage.started('Where am I?')
    await run.pipe(asking('call-1'))
    await run.end()
    await stage.session.detach()
    const eventIds = Array.from({ length: 60 }, (_, index) => `dead-${run.runId}-${index}`)
    await endpoint
      .rest()
      .channels.get(stage.name)
      .publish(
        eventIds.map((eventId, index) => ({
          name: 'ai-cancel',
          clientId: `stranger-${index % 6}`,
          extras: { ai: { transport: { 'run-id': run.runId, 'event-id': eventId } } },
        })),
      )
    return { ...stage, run, eventIds }
  }

  it('cost one decision and one refusal per client, however many requests wake an agent', async () => {
    const { name, alice, run, eventIds } = await flooded()
    const asked: string[] = []
    const { wake, agent } = agentOn(name, endpoint, {
      onCancel: ({ clientId = '' }) => {
        asked.push(clientId)
        return clientId === 'alice'
      },
      respond: () => undefined,
    })
    const answers = await Promise.all(eventIds.map(wake))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const refusals = () => alice.heard.filter(named('x-ai-cancel-refused', { 'run-id': run.runId }))
    await eventually(() => expect(refusals()).toHaveLength(6))
    await wake(eventIds[0]!)
    expect(asked).toHaveLength(6)
    expect(new Set(asked).size).toBe(6)
    await wake(await alice.cancel({ runId: run.runId }))
    await alice.hears(named('ai-run-end', { 'run-id': run.runId, 'run-reason': 'cancelled' }))
    expect(refusals()).toHaveLength(6)
    await agent.close()
  })

  /** Such a run with the Stop of one client between two further floods, and an agent that lets this client cancel. */
  async function floodedAround(clientId: string) {
    const stage = await flooded()
    const cancelBy = (client: string, eventId: string) => ({
      name: 'ai-cancel',
      clientId: client,
      extras: { ai: { transport: { 'run-id': stage.run.runId, 'event-id': eventId } } },
    })
    const many = (clients: number) =>
      Array.from({ length: 100 }, (_, n) => cancelBy(`stranger-${n % clients}`, `${clients}-${n}`))
    const channel = endpoint.rest().channels.get(stage.name)
    await channel.publish(many(1))
    await channel.publish(cancelBy(clientId, 'the-stop'))
    await channel.publish(many(100))
    const agent = agentOn(stage.name, endpoint, {
      onCancel: (request) => request.clientId === clientId,
      respond: () => undefined,
    })
    return { ...stage, ...agent }
  }

  describe.each([
    ['another client that may cancel', 'admin'],
    ['the owner', 'alice'],
  ])('do not hide the Stop of %s', (_, clientId) => {
    it('from an agent that is woken for it', async () => {
      const { alice, run, wake, agent } = await floodedAround(clientId)
      expect(await wake('the-stop')).toMatchObject({ status: 200 })
      await alice.hears(named('ai-run-end', { 'run-id': run.runId, 'run-reason': 'cancelled' }))
      await agent.close()
    })

    it('from an agent that is woken for another prompt', async () => {
      const { alice, run, wake, agent } = await floodedAround(clientId)
      expect(await wake((await alice.prompt('Hello')).inputEventId)).toMatchObject({ status: 202 })
      await alice.hears(named('ai-run-end', { 'run-id': run.runId, 'run-reason': 'cancelled' }))
      await agent.close()
    })
  })

  it('do not delay the Stop of the owner, although the hook never decides on them', async () => {
    const { name, alice, run } = await flooded()
    const { wake, agent } = agentOn(name, endpoint, {
      onCancel: ({ clientId }) => clientId === 'alice' || new Promise<boolean>(() => {}),
      respond: () => undefined,
    })
    expect(await wake(await alice.cancel({ runId: run.runId }))).toMatchObject({ status: 200 })
    await alice.hears(named('ai-run-end', { 'run-id': run.runId, 'run-reason': 'cancelled' }))
    await agent.close()
  })
})

describe('cancels of a prompt that are older than its run', () => {
  const cancels = (inputId: string) =>
    Array.from({ length: 100 }, (_, index) => {
      const transport = { 'input-codec-message-id': inputId, 'event-id': `c${index}` }
      return { name: 'ai-cancel', clientId: 'stranger', extras: { ai: { transport } } }
    })

  it('of one client delay the start by two decisions: on the first and on the newest', async () => {
    const { name, alice, create } = await setStage(endpoint)
    const { inputId, inputEventId } = await alice.prompt('Hello')
    await endpoint.rest().channels.get(name).publish(cancels(inputId))
    const asked: unknown[] = []
    const run = create(inputEventId, {
      async onCancel({ message }) {
        asked.push((message.extras as ReturnType<typeof cancels>[0]['extras']).ai.transport['event-id'])
        return false
      },
    })
    await run.start()
    expect(asked).toEqual(['c0', 'c99'])
    expect(run.abortSignal.aborted).toBe(false)
  })

  it('by a stranger do not delay the Stop of the owner, even if the hook never decides on them', async () => {
    const { name, alice, create } = await setStage(endpoint)
    const { inputId, inputEventId } = await alice.prompt('Hello')
    await endpoint.rest().channels.get(name).publish(cancels(inputId))
    await alice.cancel({ inputId })
    const run = create(inputEventId, {
      onCancel: ({ clientId }) => clientId === 'alice' || new Promise<boolean>(() => {}),
    })
    await run.start()
    expect(run.abortSignal.aborted).toBe(true)
  })

  it('by 600 strangers do not hide the Stop of another client that may cancel, which came in between', async () => {
    const { name, alice, create } = await setStage(endpoint)
    const { inputId, inputEventId } = await alice.prompt('Hello')
    const channel = endpoint.rest().channels.get(name)
    const flood = Array.from({ length: 12 }, (_, batch) =>
      cancels(inputId).map((cancel, index) => ({ ...cancel, clientId: `stranger-${(batch % 6) * 100 + index}` })),
    )
    for (const batch of flood.slice(0, 6)) await channel.publish(batch)
    await channel.publish({ ...cancels(inputId)[0]!, clientId: 'admin' })
    for (const batch of flood.slice(6)) await channel.publish(batch)
    const run = create(inputEventId, { onCancel: ({ clientId }) => clientId === 'admin' })
    await run.start()
    expect(run.abortSignal.aborted).toBe(true)
    await run.end()
    const end = await alice.hears(named('ai-run-end', { 'run-id': run.runId }))
    expect(transportOf(end)).toMatchObject({ 'run-reason': 'cancelled' })
  })
})

it('a request for one of 2,000 forks, which the agent does not keep all, is refused without an error of the agent', async () => {
  const { name, errors, wake } = await wokenAgent(endpoint)
  const channel = endpoint.rest({ clientId: 'stranger' }).channels.get(name)
  const fork = (id: string) => {
    const transport = { role: 'assistant', 'codec-message-id': id, 'event-id': `e-${id}`, supersedes: 'unknown' }
    return { name: 'ai-input', data: { output: 1 }, extras: { ai: { transport, codec: { kind: 'tool-result', toolCallId: 'c' } } } } // prettier-ignore
  }
  for (let page = 0; page < 20; page++)
    await channel.publish(Array.from({ length: 100 }, (_, n) => fork(`${page}-${n}`)))
  expect(await wake('e-19-99')).toMatchObject({ status: 400 })
  expect(errors).toEqual([])
})

describe('a run that takes longer than maxDuration', () => {
  it('ends as an error, is reported to onError, and frees its place', async () => {
    const respond = () => new Promise(() => {})
    const { alice, ask, errors } = await wokenAgent(endpoint, { maxConcurrent: 1, maxDuration: 200, respond })
    const { body } = await ask()
    const end = await alice.hears(named('ai-run-end', { 'run-id': body.runId }))
    const message = 'unable to answer; it took longer than 0.2 s'
    expect(transportOf(end)).toMatchObject({ 'run-reason': 'error', 'error-message': message })
    expect(errors).toMatchObject([{ message }])
    await eventually(async () => expect((await ask()).status).toBe(202))
  })

  it.each([Number.POSITIVE_INFINITY, 2 ** 40])('has all the time if that is %d', async (maxDuration) => {
    const work = Promise.withResolvers<void>()
    const { alice, ask } = await wokenAgent(endpoint, { maxDuration, respond: () => work.promise })
    const { body } = await ask()
    // Timers that are due at once have run
    await new Promise((resolve) => setTimeout(resolve, 50))
    work.resolve()
    const end = await alice.hears(named('ai-run-end', { 'run-id': body.runId }))
    expect(transportOf(end)).toMatchObject({ 'run-reason': 'complete' })
  })
})

describe('a run whose end the channel refuses permanently', () => {
  it('ends without the refused details, and the refusal is reported', async () => {
    const { name, alice, session, started } = await setStage(endpoint)
    const errors: unknown[] = []
    session.on('error', (error) => errors.push(error))
    const run = await started('Hello')
    endpoint.refusePublish(
      { channel: name, name: 'ai-run-end' },
      { times: 1, error: { code: 40_009, statusCode: 400, message: 'too large' } },
    )
    await run.end({ reason: 'error', error: { message: 'out of tokens' } })
    const end = await alice.hears(named('ai-run-end', { 'run-id': run.runId }))
    expect(transportOf(end)).toMatchObject({ 'run-reason': 'error', 'invocation-id': run.invocationId })
    expect(transportOf(end)).not.toHaveProperty('error-message')
    expect(errors).toMatchObject([{ code: 104_003 }])
  })
})
