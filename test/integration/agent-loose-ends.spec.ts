import type { UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createAgentSession, Invocation } from '../../src/agent'
import { handFed, joinWire, named, streamOf, textChunks, transportOf, type WireClient } from '../support/agent'
import { beginning, setStage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { wokenAgent, type Run } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const soon = (ms = 100): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The messages of an agent, in order: names, with the results of runs and steps. */
const published = ({ heard }: WireClient): string[] =>
  heard
    .filter(({ clientId }) => clientId === 'agent')
    .map((message) => {
      const { 'run-reason': run, 'step-reason': step } = transportOf(message)
      return [message.name, run ?? step].filter(Boolean).join(' ')
    })

async function* breaking(): AsyncGenerator<UIMessageChunk> {
  yield* beginning('Half')
  await soon(20)
  throw new Error('socket closed')
}

const say = (text: string) => () => streamOf(textChunks([text]))

describe('an agent function that does not await its work', () => {
  it('has an opening step closed before the run ends, and its work stopped', async () => {
    const reasons: unknown[] = []
    const { alice, ask } = await wokenAgent(endpoint, {
      respond(run: Run) {
        void run.step(async (step) => reasons.push((await step.pipe(say('Hello')())).reason))
      },
    })
    await ask()
    await alice.hears(named('ai-run-end'))
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-step-start', 'ai-step-end cancelled', 'ai-run-end cancelled'])
    expect(reasons).toEqual(['cancelled'])
  })

  it('publishes nothing after a cancel that arrives while a step opens', async () => {
    const { name, alice, ask } = await wokenAgent(endpoint, {
      respond: (run: Run) => run.step((step) => step.pipe(handFed().stream)),
    })
    const release = endpoint.delayPublish({ channel: name, name: 'ai-step-start' })
    const { body } = await ask()
    await alice.cancel({ runId: body.runId })
    await soon()
    expect(published(alice)).toEqual(['ai-run-start'])
    release()
    await alice.hears(named('ai-run-end'))
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-step-start', 'ai-step-end cancelled', 'ai-run-end cancelled'])
  })

  it('has its step end with the result of its pipe, even if the step was ended first', async () => {
    const { alice, started } = await setStage(endpoint)
    const run = await started('Hello')
    const step = await run.step('work')
    const piping = step.pipe(breaking())
    const ending = step.end()
    await expect(step.pipe(say('More')())).rejects.toMatchObject({ code: 40003 })
    await Promise.all([piping, ending])
    const end = await alice.hears(named('ai-step-end'))
    expect(transportOf(end)['step-reason']).toBe('failed')
  })

  it('has the step retried if the pipe that it did not await fails', async () => {
    const { started, readBack } = await setStage(endpoint)
    const run = await started('Hello')
    let tries = 0
    await run.step((step) => void step.pipe(tries++ === 0 ? breaking() : say('Whole')()), { retries: 1 })
    await run.end()
    expect(tries).toBe(2)
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['Whole'] })
  })
})

describe('the last chunks of a cancelled run', () => {
  it('open no step after the end of the run if they come too late', async () => {
    let writing: Promise<void> | undefined
    const { alice, ask } = await wokenAgent(endpoint, {
      onCancelled(write) {
        setTimeout(() => (writing = write({ type: 'start' })), 50)
      },
    })
    const { body } = await ask()
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end'))
    await eventually(() => expect(writing).toBeDefined())
    await writing
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-run-end cancelled'])
  })
})

describe('the end of a run', () => {
  it.each([
    ['a string', 'model overloaded', 'model overloaded'],
    ['an error whose message is not a string', { code: 7, message: { type: 'overloaded' } }, '{"type":"overloaded"}'],
    ['an error without a message', { code: 7 }, ''],
    ['an error whose message cannot be JSON', Object.create(null, { message: { value: 1n } }) as unknown, ''],
  ])('is published even if its error is %s', async (_, error, said) => {
    const { alice, ask } = await wokenAgent(endpoint, { respond: () => ({ reason: 'error', error }) })
    await ask()
    const { 'run-reason': reason, 'error-message': message = '' } = transportOf(await alice.hears(named('ai-run-end')))
    expect([reason, message]).toEqual(['error', said])
  })

  it('is published even if the agent function throws a value without a message', async () => {
    const odd = Object.assign(new Error('x'), { message: { type: 'overloaded' } })
    const { alice, ask } = await wokenAgent(endpoint, { respond: () => Promise.reject(odd) })
    await ask()
    expect(transportOf(await alice.hears(named('ai-run-end')))).toMatchObject({ 'run-reason': 'error' })
  })

  it('can be published again, unchanged, after the channel refused it', async () => {
    const { name, alice, started } = await setStage(endpoint)
    const run = await started('Hello')
    const error = { code: 40_000, statusCode: 400 }
    const restore = endpoint.refusePublish({ channel: name, name: 'ai-run-end' }, { error })
    await expect(run.end({ reason: 'error', error: { message: 'overloaded' } })).rejects.toMatchObject({ code: 104003 })
    expect(run.phase).toBe('ending')
    restore()
    await Promise.all([run.end(), run.end()])
    expect(run.phase).toBe('over')
    await alice.hears(named('ai-run-end'))
    await run.end()
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-run-end error'])
  })

  it('is published by its session, unchanged, if the channel refused it before', async () => {
    const { name, alice, started, session } = await setStage(endpoint)
    const run = await started('Hello')
    const error = { code: 40_000, statusCode: 400 }
    endpoint.refusePublish({ channel: name, name: 'ai-run-end' }, { error, times: 2 })
    await expect(run.end()).rejects.toMatchObject({ code: 104003 })
    await session.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    expect(run.phase).toBe('over')
  })

  it('that suspends it stops a running pipe, and does not count as a cancel', async () => {
    const { alice, ask } = await wokenAgent(endpoint, {
      respond(run: Run) {
        void run.pipe(handFed().stream)
        return { reason: 'suspend' }
      },
    })
    const { body } = await ask()
    await alice.hears(named('ai-run-suspend'))
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-run-suspend'])
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end', { 'run-reason': 'cancelled' }))
  })
})

describe('a hook that throws for a steer', () => {
  it('refuses the steer, and is reported with 104002', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const lookUp = ({ kind }: { kind: string }): boolean => {
      if (kind === 'steer') throw new Error('lookup failed')
      return true
    }
    const { alice, ask, sources, errors } = await wokenAgent(endpoint, { policy: lookUp })
    const { body } = await ask()
    sources[0]!.push(...beginning('Hi'))
    await alice.prompt('and?', { 'run-id': body.runId })
    await eventually(() => expect(errors).toMatchObject([{ code: 104002 }]))
    sources[0]!.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('a policy that throws for a cancel', () => {
  it('refuses the cancel, is reported with 104002, and does not touch the Stop of the owner', async () => {
    const teams: Record<string, string[]> = { alice: ['alice'] }
    const { name, alice, ask, errors } = await wokenAgent(endpoint, {
      policy: ({ kind, clientId = '' }) => kind !== 'cancel' || teams[clientId]!.includes('alice'),
    })
    const mallory = await joinWire(endpoint.client({ clientId: 'mallory' }), name)
    const { body } = await ask()
    await mallory.cancel({ runId: body.runId })
    await eventually(() => expect(errors).toMatchObject([{ code: 104002 }]))
    await alice.hears(named('x-ai-cancel-refused', { 'run-id': body.runId }))
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end', { 'run-reason': 'cancelled' }))
    expect(errors).toHaveLength(1)
  })

  it('refuses a request for another reply with 104002', async () => {
    const { alice, ask, wake } = await wokenAgent(endpoint, {
      respond: (run: Run) => run.pipe(streamOf(textChunks(['Hi']))),
      policy({ kind }) {
        if (kind === 'regenerate') throw new Error('no database')
        return true
      },
    })
    await ask()
    const output = await alice.hears(named('ai-output'))
    const { 'codec-message-id': replyId = '', parent = '' } = transportOf(output)
    await alice.hears(named('ai-run-end'))
    const { inputEventId } = await alice.regenerate(replyId, parent)
    expect((await wake(inputEventId)).body.error).toMatchObject({ code: 104002 })
  })
})

describe('a run that another process has left', () => {
  it('stays unchanged if the process that adopts it cannot read the conversation', async () => {
    const { name, alice, create } = await setStage(endpoint)
    const client = endpoint.client({ clientId: 'agent' })
    const next = createAgentSession({ client, sessionName: name })
    await next.connect()
    vi.spyOn(client.channels.get(name), 'history').mockRejectedValue(new Error('no history'))
    const { inputId, inputEventId } = await alice.prompt('two', { parent: 'some-earlier-message' })
    const run = create(inputEventId)
    await run.start()
    const piping = run.pipe(handFed().stream)
    await eventually(() => expect(next.tree.nodeOf(inputId)).toBeDefined())
    await expect(next.adoptRun(run.toJSON())).rejects.toMatchObject({ code: 104011 })
    await soon()
    expect(published(alice)).toEqual(['ai-run-start'])
    await run.end()
    expect(await piping).toEqual({ reason: 'cancelled' })
  })
})

it('an agent knows the whole conversation also if its app has attached the channel before', async () => {
  const { name, alice } = await setStage(endpoint)
  const client = endpoint.client({ clientId: 'agent' })
  const channel = client.channels.get(name)
  const texts: unknown[] = []
  await channel.subscribe(({ data }) => void texts.push(data))
  const one = await alice.prompt('one')
  await eventually(() => expect(texts).toEqual(['one']))
  const session = createAgentSession({ client, sessionName: name })
  await session.connect()
  const { inputEventId } = await alice.prompt('two', { parent: one.inputId })
  const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
  await run.start()
  const told = run.context().flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? part.text : [])))
  expect(told).toEqual(['one', '[This message is still waiting for its own answer.]', 'two'])
  await run.end()
})

describe('a reply', () => {
  it.each([
    ['the start of its step', 'ai-step-start', undefined],
    ['the beginning of its text', 'ai-output', ''],
    ['a part of it', 'ai-output', 'https://a.example/b.png'],
  ])('survives a temporary refusal of %s, and contains that once', async (_, which, data) => {
    const { name, alice, started, readBack } = await setStage(endpoint)
    const run = await started('Hello')
    let refusals = 0
    endpoint.refusePublish(
      (message) =>
        message.channel === name &&
        message.name === which &&
        (data === undefined || message.data === data) &&
        ++refusals > 0,
      { times: 1, error: { code: 50_000, statusCode: 500 } },
    )
    const [start, ...rest] = textChunks(['Hello'])
    const file = { type: 'file', mediaType: 'image/png', url: 'https://a.example/b.png' } as const
    expect(await run.pipe(streamOf<UIMessageChunk>([start!, file, ...rest]))).toEqual({ reason: 'complete' })
    await run.end()
    await alice.hears(named('ai-run-end'))
    expect(refusals).toBe(1)
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['Hello'] })
    expect(alice.heard.filter(named('ai-step-start'))).toHaveLength(1)
    expect(alice.heard.filter((message) => message.data === file.url)).toHaveLength(1)
  })
})
