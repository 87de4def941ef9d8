import type * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { defineAgent, ownerOnly, type Agent, type AgentOptions, type AgentRun } from '../../src/agent'
import { handFed, joinWire, named, streamOf, textChunks, transportOf, type WireClient } from '../support/agent'
import { beginning } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { answerTo, asking } from '../support/tools'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

type Options = AgentOptions<UIMessage, UIMessageChunk>
type Run = AgentRun<UIMessage, UIMessageChunk>

let count = 0

interface Stage {
  name: string
  alice: WireClient
  agent: Agent
  /** The clients that the agent has created. */
  clients: Ably.Realtime[]
  errors: unknown[]
  wake(inputEventId: string, init?: RequestInit): Promise<{ status: number; body: Answer }>
  endOf(runId: string): Promise<Record<string, string>>
}

interface Answer {
  runId: string
  invocationId: string
  error?: { code: number; message: string }
}

async function stage(respond: (run: Run) => unknown, options: Partial<Options> = {}): Promise<Stage> {
  const name = `ai:defined-${++count}`
  const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
  const clients: Ably.Realtime[] = []
  const errors: unknown[] = []
  const agent = defineAgent({
    client() {
      clients.push(endpoint.client({ clientId: 'agent' }))
      return clients.at(-1)!
    },
    authorize: () => true,
    onError: (error) => errors.push(error),
    respond,
    ...options,
  })
  return {
    name,
    alice,
    agent,
    clients,
    errors,
    async wake(inputEventId, init) {
      const response = await agent.fetch(wakeUp({ inputEventId, sessionName: name }, init))
      return { status: response.status, body: (await response.json()) as Answer }
    },
    endOf: async (runId) => transportOf(await alice.hears(named('ai-run-end', { 'run-id': runId }))),
  }
}

const wakeUp = (body: unknown, init: RequestInit = {}) =>
  new Request('http://agent.example/api/agent', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  })

const answering =
  (...texts: string[]) =>
  (run: Run) =>
    run.pipe(streamOf(textChunks(texts)))

describe('a wake-up request', () => {
  it('is answered with 202 once the run has started, and the run continues', async () => {
    const source = handFed()
    const { alice, wake, endOf } = await stage((run) => run.pipe(source.stream))
    const { inputId, inputEventId } = await alice.prompt('Hello')
    const { status, body } = await wake(inputEventId)
    expect(status).toBe(202)
    const start = await alice.hears(named('ai-run-start'))
    expect(transportOf(start)).toMatchObject({
      'run-id': body.runId,
      'invocation-id': body.invocationId,
      'input-codec-message-id': inputId,
    })
    expect(alice.heard.some(named('ai-run-end'))).toBe(false)
    source.push(...textChunks(['Hi']))
    source.end()
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'complete' })
  })

  it('gives the conversation to the agent function', async () => {
    const contexts: string[] = []
    const { alice, wake, endOf } = await stage((run) => {
      contexts.push(run.context().map(({ role }) => role).join()) // prettier-ignore
      return run.pipe(streamOf(textChunks(['Hi'])))
    })
    const { inputEventId } = await alice.prompt('Hello')
    await endOf((await wake(inputEventId)).body.runId)
    const output = await alice.hears(named('ai-output'))
    const next = await alice.prompt('And?', { parent: transportOf(output)['codec-message-id']! })
    await endOf((await wake(next.inputEventId)).body.runId)
    expect(contexts).toEqual(['user', 'user,assistant,user'])
  })

  it('gets the run of the first request if it is repeated, at once or later, and that runs once', async () => {
    const respond = vi.fn<(run: Run) => unknown>(answering('Hi'))
    const { alice, wake, endOf } = await stage(respond)
    const { inputEventId } = await alice.prompt('Hello')
    const [one, two] = await Promise.all([wake(inputEventId), wake(inputEventId)])
    await endOf(one.body.runId)
    const three = await wake(inputEventId)
    expect([two, three]).toEqual([one, one])
    expect(respond).toHaveBeenCalledTimes(1)
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(1)
  })

  it('for a prompt that does not arrive is answered with 404, and can be repeated', async () => {
    const { alice, wake } = await stage(answering('Hi'), { triggerTimeout: 1500 })
    const early = await wake('my-event')
    expect(early).toMatchObject({ status: 404, body: { error: { code: 104010 } } })
    expect(early.body.error!.message).toContain('my-event')
    await alice.prompt('Hello', { 'event-id': 'my-event' })
    expect((await wake('my-event')).status).toBe(202)
  })

  it('is kept alive by waitUntil until the run has ended', async () => {
    const source = handFed()
    const { name, alice, agent, endOf } = await stage((run) => run.pipe(source.stream))
    const { inputEventId } = await alice.prompt('Hello')
    const kept: Promise<unknown>[] = []
    const response = await agent.fetch(wakeUp({ inputEventId, sessionName: name }), {
      waitUntil: (promise) => kept.push(promise),
    })
    const { runId } = (await response.json()) as Answer
    let isOver = false
    void kept[0]!.then(() => (isOver = true))
    await alice.hears(named('ai-run-start'))
    expect(isOver).toBe(false)
    source.end()
    await kept[0]
    expect(await endOf(runId)).toBeDefined()
  })

  it.each([
    ['GET', 405, { method: 'GET', body: undefined }],
    ['a form', 415, { headers: { 'content-type': 'text/plain' } }],
    ['a body that is too large', 413, { body: JSON.stringify({ more: 'x'.repeat(9000) }) }],
    ['a body that is not JSON', 400, { body: '{' }],
    ['a malformed namespace', 400, { body: JSON.stringify({ inputEventId: 'e', sessionName: 'trip' }) }],
  ])('with %s is refused with %i and a message', async (_, status, init) => {
    const { wake, clients } = await stage(answering('Hi'))
    const refused = await wake('e', init)
    expect(refused).toMatchObject({ status, body: { error: { message: expect.stringContaining('unable to') } } })
    expect(clients).toHaveLength(0)
  })

  it('is refused with 500 while the client cannot be created, and can be repeated', async () => {
    let isBroken = true
    const { alice, wake, errors } = await stage(answering('Hi'), {
      client() {
        if (isBroken) throw new Error('secret connection string')
        return endpoint.client({ clientId: 'agent' })
      },
    })
    const { inputEventId } = await alice.prompt('Hello')
    const refused = await wake(inputEventId)
    expect(refused.status).toBe(500)
    expect(JSON.stringify(refused.body)).not.toContain('secret')
    expect(errors).toMatchObject([{ message: 'secret connection string' }])
    isBroken = false
    expect((await wake(inputEventId)).status).toBe(202)
  })
})

describe('authorize', () => {
  it('gets the client and its request, and refuses with 403 before anything is published', async () => {
    const asked: unknown[] = []
    const { name, alice, wake, clients } = await stage(answering('Hi'), {
      authorize(request, invocation) {
        asked.push([request.headers.get('cookie'), invocation])
        return request.headers.get('cookie') === 'alice'
      },
    })
    const { inputEventId } = await alice.prompt('Hello')
    const headers = { 'content-type': 'application/json', cookie: 'mallory' }
    expect(await wake(inputEventId, { headers })).toMatchObject({ status: 403, body: { error: { code: 40300 } } })
    expect(clients).toHaveLength(0)
    expect((await wake(inputEventId, { headers: { ...headers, cookie: 'alice' } })).status).toBe(202)
    expect(asked[0]).toEqual(['mallory', { inputEventId, sessionName: name }])
  })

  it('that throws refuses the request', async () => {
    const { wake } = await stage(answering('Hi'), {
      authorize: () => Promise.reject(new Error('no database')),
    })
    expect((await wake('e')).status).toBe(403)
  })

  it('can be left out in development, with one warning', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { alice, wake } = await stage(answering('Hi'), { authorize: undefined })
    for (const text of ['one', 'two']) {
      const { inputEventId } = await alice.prompt(text)
      expect((await wake(inputEventId)).status).toBe(202)
    }
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]![0]).toContain('authorize')
  })

  it('is required in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const { alice, wake } = await stage(answering('Hi'), { authorize: undefined })
    const { inputEventId } = await alice.prompt('Hello')
    expect(await wake(inputEventId)).toMatchObject({ status: 403 })
  })
})

describe('the run of an agent function', () => {
  it('ends with the result of its pipe', async () => {
    const { alice, wake, endOf, errors } = await stage((run) =>
      run.pipe(streamOf<UIMessageChunk>([...beginning('Half'), { type: 'error', errorText: 'model died' }])),
    )
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'error', 'error-message': 'model died' })
    expect(errors).toEqual([])
  })

  it('ends as an error with its code and message if the function throws', async () => {
    const { alice, wake, endOf, errors } = await stage(() => {
      throw Object.assign(new Error('model overloaded'), { code: 42910 })
    })
    const { inputEventId } = await alice.prompt('Hello')
    const { status, body } = await wake(inputEventId)
    expect(status).toBe(202)
    expect(await endOf(body.runId)).toMatchObject({
      'run-reason': 'error',
      'error-code': '42910',
      'error-message': 'model overloaded',
    })
    expect(errors).toMatchObject([{ message: 'model overloaded' }])
  })

  it('ends as an error even if onError rejects', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const onError = () => Promise.reject(new Error('no log'))
    const { alice, wake, endOf } = await stage(() => Promise.reject(new Error('bad')), { onError })
    const { body } = await wake((await alice.prompt('Hello')).inputEventId)
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'error', 'error-message': 'bad' })
    await eventually(() =>
      expect(logged.mock.calls.flat()).toContainEqual(expect.objectContaining({ message: 'no log' })),
    )
  })

  it('S12 ends as cancelled after a cancel, even if its pipe returns normally', async () => {
    const { alice, wake, endOf } = await stage((run) => run.pipe(handFed().stream))
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    await alice.cancel({ runId: body.runId })
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'cancelled' })
  })

  it('S8 calls no model for a prompt that was cancelled before it started', async () => {
    const respond = vi.fn<(run: Run) => unknown>(answering('Hi'))
    const { alice, wake, endOf } = await stage(respond)
    const { inputId, inputEventId } = await alice.prompt('Never mind')
    await alice.cancel({ inputId })
    const { status, body } = await wake(inputEventId)
    expect(status).toBe(202)
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'cancelled' })
    expect(respond).not.toHaveBeenCalled()
    expect(alice.heard.map(({ name }) => name)).toEqual(['ai-input', 'ai-cancel', 'ai-run-start', 'ai-run-end'])
  })

  it('ends as cancelled, not as an error, if the function throws because of the abort', async () => {
    const { alice, wake, endOf, errors } = await stage(
      (run) =>
        new Promise((_, reject) => run.abortSignal.addEventListener('abort', () => reject(new Error('aborted')))),
    )
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    await alice.cancel({ runId: body.runId })
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'cancelled' })
    expect(errors).toEqual([])
  })

  it('S31 ends as cancelled even if the function waits for a promise that never settles', async () => {
    const { alice, wake, endOf } = await stage(() => new Promise(() => {}))
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    await alice.cancel({ runId: body.runId })
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'cancelled' })
  })

  it('S31 can continue after the cancel, but its pipes publish nothing', async () => {
    let late: Promise<unknown> | undefined
    const { alice, wake, endOf } = await stage(async (run) => {
      await new Promise((resolve) => run.abortSignal.addEventListener('abort', resolve))
      await alice.hears(named('ai-run-end'))
      late = run.pipe(streamOf(textChunks(['Too late'])))
    })
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    await alice.cancel({ runId: body.runId })
    await endOf(body.runId)
    await eventually(() => expect(late).toBeDefined())
    expect(await late).toEqual({ reason: 'cancelled' })
    expect(alice.heard.some(named('ai-output'))).toBe(false)
  })

  it('S48 calls onCancel', async () => {
    const { name, alice, wake, endOf } = await stage((run) => run.pipe(handFed().stream), { onCancel: ownerOnly })
    const mallory = await joinWire(endpoint.client({ clientId: 'mallory' }), name)
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    await mallory.cancel({ runId: body.runId })
    await mallory.cancel({ runId: body.runId })
    await alice.cancel({ runId: body.runId })
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'cancelled' })
    const cancels = alice.heard.filter(named('ai-cancel'))
    expect(cancels.map(({ clientId }) => clientId)).toEqual(['mallory', 'mallory', 'alice'])
  })

  it('causes no unhandled rejection, even if everything fails', async () => {
    const unhandled = vi.fn<(reason: unknown) => void>()
    process.on('unhandledRejection', unhandled)
    const { name, alice, wake, errors } = await stage(() => Promise.reject(new Error('bad')))
    const restore = endpoint.refusePublish(
      { channel: name, name: 'ai-run-end' },
      { error: { code: 40000, statusCode: 400 } },
    )
    const { inputEventId } = await alice.prompt('Hello')
    expect((await wake(inputEventId)).status).toBe(202)
    await eventually(() => expect(errors).toMatchObject([{ message: 'bad' }, { code: 104003 }]))
    restore()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })
})

describe('the sessions of an agent', () => {
  it('share one client, and one channel if they can', async () => {
    const sources = [handFed(), handFed()]
    let next = 0
    const { alice, wake, clients, endOf } = await stage((run) => run.pipe(sources[next++]!.stream))
    const prompts = [await alice.prompt('one'), await alice.prompt('two')]
    const runs = await Promise.all(prompts.map(({ inputEventId }) => wake(inputEventId)))
    sources.forEach((source, index) => {
      source.push(...textChunks([`Answer ${index}`]))
      source.end()
    })
    await Promise.all(runs.map(({ body }) => endOf(body.runId)))
    expect(clients).toHaveLength(1)
  })

  it('detach from a channel some time after its last run, and attach again for the next', async () => {
    const { name, alice, wake, clients, endOf } = await stage(answering('Hi'))
    const first = await alice.prompt('one')
    await endOf((await wake(first.inputEventId)).body.runId)
    const channel = clients[0]!.channels.get(name)
    expect(channel.state).toBe('attached')
    await eventually(() => expect(channel.state).toBe('detached'))
    const second = await alice.prompt('two')
    const { status, body } = await wake(second.inputEventId)
    expect(status).toBe(202)
    await endOf(body.runId)
  })
})

describe('an agent function whose run waits for a tool', () => {
  const asksThenAnswers = () => {
    let turn = 0
    return (run: Run) => run.pipe(turn++ === 0 ? asking('call-1') : textChunks(['In Oslo.'], 'm2'))
  }

  async function waiting(options: Partial<Options> = {}) {
    const scene = await stage(asksThenAnswers(), options)
    const { inputEventId } = await scene.alice.prompt('Where am I?')
    const { body } = await scene.wake(inputEventId)
    await scene.alice.hears(named('ai-run-suspend', { 'run-id': body.runId }))
    const output = await scene.alice.hears(named('ai-output'))
    return { ...scene, runId: body.runId, reply: transportOf(output)['codec-message-id']! }
  }

  it('suspends the run, and resumes it when the answer wakes the agent', async () => {
    const { alice, wake, endOf, runId, reply } = await waiting()
    const { inputEventId } = await answerTo(alice, { runId, reply, toolCallId: 'call-1', output: 'Oslo' })
    const { status, body } = await wake(inputEventId)
    expect([status, body.runId]).toEqual([202, runId])
    expect(await endOf(runId)).toMatchObject({ 'run-reason': 'complete', 'invocation-id': body.invocationId })
  })

  it('S31 ends the run as cancelled on a cancel while it is suspended, and refuses to resume it with 409', async () => {
    const { alice, wake, endOf, runId, reply } = await waiting()
    await alice.cancel({ runId })
    expect(await endOf(runId)).toMatchObject({ 'run-reason': 'cancelled' })
    const { inputEventId } = await answerTo(alice, { runId, reply, toolCallId: 'call-1', output: 'Oslo' })
    expect(await wake(inputEventId)).toMatchObject({ status: 409, body: { error: { code: 40003 } } })
    expect(alice.heard.some(named('ai-run-resume'))).toBe(false)
  })

  it('S31 stays attached for it longer than to a channel without runs', async () => {
    const { name, alice, clients, endOf, runId } = await waiting()
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(clients[0]!.channels.get(name).state).toBe('attached')
    await alice.cancel({ runId })
    expect(await endOf(runId)).toMatchObject({ 'run-reason': 'cancelled' })
  })

  it('can suspend the run itself', async () => {
    const { alice, wake, errors } = await stage((run) => run.suspend())
    const { inputEventId } = await alice.prompt('Wait')
    await wake(inputEventId)
    await alice.hears(named('ai-run-suspend'))
    expect(errors).toEqual([])
    expect(alice.heard.some(named('ai-run-end'))).toBe(false)
  })
})

describe('an answer that is sent twice', () => {
  const twice = async () => {
    const source = handFed()
    let calls = 0
    const respond = (run: Run) => run.pipe(++calls === 1 ? asking('allowed') : source.stream)
    const { name, alice, agent, wake, endOf } = await stage(respond)
    const other = defineAgent({ client: () => endpoint.client({ clientId: 'agent' }), authorize: () => true, respond })
    onTestFinished(async () => void (await Promise.all([agent.close(), other.close()])))
    const { runId } = (await wake((await alice.prompt('Do it')).inputEventId)).body
    await alice.hears(named('ai-run-suspend'))
    const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
    const approve = async () =>
      (await answerTo(alice, { runId, reply, toolCallId: 'allowed', approved: true })).inputEventId
    const wakeOther = async (inputEventId: string) =>
      (await other.fetch(wakeUp({ inputEventId, sessionName: name }))).json() as Promise<Answer>
    const finish = async () => {
      source.push(...textChunks(['Done'], 'm2'))
      source.end()
      await endOf(runId)
      expect(alice.heard.filter(named('ai-run-resume'))).toHaveLength(1)
      expect(calls).toBe(2)
    }
    return { name, alice, runId, approve, wake, wakeOther, finish }
  }

  it('at once, to two agents, resumes the run once', async () => {
    const { name, runId, approve, wake, wakeOther, finish } = await twice()
    const [x, y] = [await approve(), await approve()]
    const release = endpoint.delayPublish({ channel: name, name: 'ai-run-resume' })
    const waking = Promise.all([wake(x), wakeOther(y)])
    // Long enough for both agents to decide
    await new Promise((resolve) => setTimeout(resolve, 200))
    release()
    const [one, two] = await waking
    expect([one.body.runId, two.runId]).toEqual([runId, runId])
    expect(one.body.invocationId).toBe(two.invocationId)
    await finish()
  })

  it('counts as handled while the run continues', async () => {
    const { alice, runId, approve, wake, wakeOther, finish } = await twice()
    const early = await approve()
    const { body } = await wake(await approve())
    await alice.hears(named('ai-run-resume'))
    const handled = { runId, invocationId: body.invocationId, handled: true }
    expect(await wakeOther(await approve())).toEqual(handled)
    expect((await wake(early)).body).toEqual(handled)
    await finish()
  })

  it('does not hide an answer that arrives before the run is suspended', async () => {
    const { alice, wake, agent, name } = await stage(async (run) => {
      if (alice.heard.some(named('ai-run-suspend'))) return run.pipe(textChunks(['Done'], 'm3'))
      return run.pipe(asking('call-1'))
    })
    onTestFinished(() => agent.close())
    const release = endpoint.delayPublish({ channel: name, name: 'ai-run-suspend' })
    const { runId } = (await wake((await alice.prompt('Where am I?')).inputEventId)).body
    const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
    const { inputEventId } = await answerTo(alice, { runId, reply, toolCallId: 'call-1', output: 'Oslo' })
    const woken = wake(inputEventId)
    release()
    expect((await woken).status).toBe(202)
  })
})

describe('an agent function that returns a result', () => {
  it('ends its run with that result', async () => {
    const { alice, wake, endOf } = await stage(async (run) => {
      await run.pipe(textChunks(['Hi']))
      return { reason: 'error', error: { code: 40300, message: 'over budget' } }
    })
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'error', 'error-message': 'over budget' })
  })

  it('can return any other value, which has no effect', async () => {
    const { alice, wake, endOf } = await stage(() => ({ reason: 'because' }))
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'complete' })
  })
})

describe('onSteer of an agent', () => {
  it('is called for steers into its runs', async () => {
    const source = handFed()
    const onSteer = vi.fn<() => boolean>(() => true)
    const { alice, wake } = await stage((run) => run.pipe(source.stream), { onSteer })
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    await alice.prompt('Hurry', { 'run-id': body.runId })
    await eventually(() => expect(onSteer).toHaveBeenCalledTimes(1))
    source.end()
  })
})

describe('close()', () => {
  it('ends open runs as cancelled, leaves the channels, and refuses later requests with 503', async () => {
    const { name, alice, agent, clients, wake, endOf } = await stage((run) => run.pipe(handFed().stream))
    const { inputEventId } = await alice.prompt('Hello')
    const { body } = await wake(inputEventId)
    const channel = clients[0]!.channels.get(name)
    await agent.close()
    expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'cancelled' })
    expect(channel.state).toBe('detached')
    expect(clients[0]!.channels.all).toEqual({})
    expect(clients[0]!.connection.state).toBe('connected')
    const next = await alice.prompt('Again')
    expect(await wake(next.inputEventId)).toMatchObject({ status: 503, body: { error: { code: 104004 } } })
  })

  it('prints one line in development, and no error for requests that it refuses', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    const printed: unknown[][] = []
    for (const name of ['info', 'warn', 'error'] as const) {
      vi.spyOn(console, name).mockImplementation((...given: unknown[]) => void printed.push(given))
    }
    const respond = (run: Run) => run.pipe(handFed().stream)
    const { alice, agent, wake, endOf } = await stage(respond, { agents: 'agent', onError: undefined })
    const runs = [
      await wake((await alice.prompt('One')).inputEventId),
      await wake((await alice.prompt('Two')).inputEventId),
    ]
    const early = wake('never published')
    const late = agent.close().then(() => wake('later'))
    expect([await early, await late]).toMatchObject([{ status: 503 }, { status: 503 }])
    for (const { body } of runs) expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'cancelled' })
    expect(printed).toEqual([['[vue-ai-transport] the agent is closing; open runs that end as cancelled: 2']])
  })

  it.each<[string, (scene: Stage) => Promise<() => void>]>([
    [
      'the network is down',
      async ({ clients: [client] }) => {
        const restore = endpoint.dropConnection(({ clientId }) => clientId === 'agent', { refuseFor: Infinity })
        await eventually(() => expect(client!.connection.state).not.toBe('connected'))
        return restore
      },
    ],
    [
      'the channel refuses all messages',
      async ({ name }) =>
        endpoint.refusePublish({ channel: name, clientId: 'agent' }, { error: { code: 50_000, statusCode: 500 } }),
    ],
  ])('settles in 8 seconds while %s, and reports the ends that it could not publish', async (_, spoil) => {
    const scene = await stage((run) => run.pipe(handFed().stream))
    const { alice, agent, clients, errors, wake } = scene
    const { runId } = (await wake((await alice.prompt('Hello')).inputEventId)).body
    const restore = await spoil(scene)
    const almost = new Promise((resolve) => setTimeout(resolve, 7000, 'almost 8 seconds'))
    const closing = agent.close().then(() => 'closed')
    expect(await Promise.race([closing, almost])).toBe('almost 8 seconds')
    await closing
    expect(errors).toMatchObject([{ code: 104003, message: expect.stringContaining(runId) as string }])
    restore()
    await eventually(() => expect(clients[0]!.connection.state).toBe('connected'))
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(errors).toHaveLength(1)
    expect(alice.heard.some(named('ai-run-end'))).toBe(false)
  })

  it('publishes the end of a run whose last chunks never come', async () => {
    const onCancelled = () => new Promise(() => {})
    const { alice, agent, endOf, wake, errors } = await stage((run) => run.pipe(handFed().stream), { onCancelled })
    const { runId } = (await wake((await alice.prompt('Hello')).inputEventId)).body
    await agent.close()
    expect(await endOf(runId)).toMatchObject({ 'run-reason': 'cancelled' })
    expect(errors).toEqual([])
  })

  it('does nothing for an agent that was never woken', async () => {
    const { agent, clients } = await stage(answering('Hi'))
    await agent.close()
    expect(clients).toHaveLength(0)
  })
})

describe('a client of the agent that can no longer connect', () => {
  it('is created again for the next request if it was closed, and its sessions are left', async () => {
    const source = handFed()
    let calls = 0
    const respond = (run: Run) => (++calls === 1 ? run.pipe(source.stream) : run.pipe(textChunks(['Hi'])))
    const { name, alice, wake, endOf, clients } = await stage(respond)
    expect((await wake((await alice.prompt('one')).inputEventId)).status).toBe(202)
    clients[0]!.close()
    await eventually(() => expect(clients[0]!.connection.state).toBe('closed'))
    const second = await alice.prompt('two')
    const third = await alice.prompt('three')
    const woken = await Promise.all([wake(second.inputEventId), wake(third.inputEventId)])
    expect(woken.map(({ status }) => status)).toEqual([202, 202])
    for (const { body } of woken) expect(await endOf(body.runId)).toMatchObject({ 'run-reason': 'complete' })
    expect(clients).toHaveLength(2)
    await eventually(() => expect(source.isStopped).toBe(true))
    expect(clients[0]!.channels.all).not.toHaveProperty(name)
  })

  it('is created again for the next request if its connection failed', async () => {
    const clients: Ably.Realtime[] = []
    const client = () => {
      const wrong: Ably.ClientOptions =
        clients.length === 0
          ? { authCallback: (_, done) => done({ name: '', message: 'no', code: 40_300, statusCode: 403 }, null) }
          : {}
      return clients[clients.push(endpoint.client({ clientId: 'agent' }, wrong)) - 1]!
    }
    const { alice, wake } = await stage(answering('Hi'), { client })
    const { inputEventId } = await alice.prompt('one')
    expect((await wake(inputEventId)).status).toBe(503)
    expect(clients[0]!.connection.state).toBe('failed')
    expect((await wake(inputEventId)).status).toBe(202)
    expect(clients).toHaveLength(2)
  })

  it('gets requests repeated if the app returns it again, and serves once it is connected', async () => {
    const client = endpoint.client({ clientId: 'agent' })
    const { alice, wake } = await stage(answering('Hi'), { client: () => client })
    client.close()
    const { inputEventId } = await alice.prompt('one')
    expect((await wake(inputEventId)).status).toBe(503)
    client.connect()
    expect((await wake(inputEventId)).status).toBe(202)
  })
})
