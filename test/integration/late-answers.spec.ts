import type { UIMessage } from 'ai'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec } from '../../src'
import { named, streamOf, textChunks, transportOf } from '../support/agent'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { answerFromFar, answerTo, asking } from '../support/tools'
import { agentOn, wokenAgent, type Run } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const call = { toolCallId: 'c1', toolName: 'locate' }

/** A session of Bob, who joins later and reads the whole conversation. */
async function openAsBob(channelName: string) {
  const session = createClientSession({
    client: endpoint.client({ clientId: 'bob' }),
    channelName,
    codec: UIMessageCodec,
  })
  onTestFinished(() => session.close())
  await session.connect()
  await session.view.loadOlder(20)
  return session
}

/** A suspended run whose tool call has two outputs on the channel, the first one "Oslo". */
async function answeredTwice() {
  const contexts: UIMessage[][] = []
  const respond = (run: Run) => {
    contexts.push(run.context())
    if (contexts.length > 1) return run.pipe(textChunks(['You are there.'], 'm2'))
    return run.pipe(
      streamOf([
        { type: 'start' },
        { type: 'start-step' },
        { type: 'tool-input-available', ...call, input: {} },
        { type: 'finish-step' },
        { type: 'finish', finishReason: 'tool-calls' },
      ]),
    )
  }
  const scene = await wokenAgent(endpoint, { respond })
  const { runId } = (await scene.ask()).body
  await scene.alice.hears(named('ai-run-suspend'))
  const reply = transportOf(await scene.alice.hears(named('ai-output')))['codec-message-id']!
  const about = { runId, reply, toolCallId: 'c1' }
  const [first, second] = [
    await answerTo(scene.alice, { ...about, output: 'Oslo' }),
    await answerTo(scene.alice, { ...about, output: 'Rome' }),
  ]
  return { ...scene, runId, contexts, respond, first, second }
}

const outputsOf = (message: UIMessage | undefined): unknown[] =>
  message?.parts.flatMap((part) => ('output' in part ? [part.output] : [])) ?? []

it('an answer with a lower serial than the one that the agent goes on with changes neither a context nor a view', async () => {
  const contexts: UIMessage[][] = []
  const client = endpoint.client({ clientId: 'agent' })
  let beforeReading: (() => Promise<void>) | undefined
  const scene = await wokenAgent(endpoint, {
    client: () => client,
    async respond(run) {
      await beforeReading?.()
      beforeReading = undefined
      contexts.push(run.context())
      if (contexts.length > 1) return run.pipe(textChunks(['You are in Oslo.'], `m${contexts.length}`))
      return run.pipe(streamOf(asking('c1')))
    },
  })
  const { alice, name, wake, ask } = scene
  const { runId } = (await ask()).body
  await alice.hears(named('ai-run-suspend'))
  const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
  const arrive = await answerFromFar(alice)
  const { inputEventId } = await answerTo(alice, { runId, reply, toolCallId: 'c1', output: 'Oslo' })
  // It reaches the agent when that has resumed the run, but has not read the conversation
  beforeReading = async () => {
    const heard = new Promise<void>((resolve) => {
      void client.channels.get(name).subscribe('ai-input', ({ action }) => action === 'message.update' && resolve())
    })
    await arrive({ toolCallId: 'c1', output: 'Rome', runId, reply })
    await heard
  }
  await wake(inputEventId)
  const used = await alice.hears(named('ai-input', { 'event-id': inputEventId }))
  const resume = await alice.hears(named('ai-run-resume'))
  expect(transportOf(resume)['answer-serials']).toBe(JSON.stringify([used.serial]))
  await alice.hears(named('ai-run-end'))
  await wake((await alice.prompt('Where am I?', { parent: reply })).inputEventId)
  await eventually(() => expect(alice.heard.filter(named('ai-run-end'))).toHaveLength(2))
  const told = contexts.slice(1).map((context) => context.flatMap(outputsOf))
  expect(told).toEqual([['Oslo'], ['Oslo']])

  const session = await openAsBob(name)
  expect(outputsOf(session.view.snapshot(reply))).toEqual(['Oslo'])
  const third = UIMessageCodec.createToolOutput({ toolCallId: 'c1', output: 'Bonn' })
  await expect(session.view.answer(reply, third)).rejects.toThrow('already answered by alice: output')
})

it('an answer with a lower serial than the one that a context has given to the model changes neither a context nor a view', async () => {
  const contexts: UIMessage[][] = []
  const client = endpoint.client({ clientId: 'agent' })
  let whileResumed = async (_: Run): Promise<void> => {}
  const { alice, name, wake, ask } = await wokenAgent(endpoint, {
    client: () => client,
    async respond(run) {
      if (contexts.push(run.context()) === 1) return run.pipe(streamOf(asking('c1', 'c2')))
      await whileResumed(run)
      return run.pipe(textChunks(['You are there.'], `m${contexts.length}`))
    },
  })
  const agentHears = (match: (message: { action: string; data?: unknown }) => boolean) =>
    new Promise<void>((resolve) => {
      void client.channels.get(name).subscribe('ai-input', (message) => match(message) && resolve())
    })
  const { runId } = (await ask()).body
  await alice.hears(named('ai-run-suspend'))
  const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
  const arrive = await answerFromFar(alice)
  const first = await answerTo(alice, { runId, reply, toolCallId: 'c1', output: 'Bonn' })
  let used = ''
  whileResumed = async (run) => {
    whileResumed = async () => {}
    const isAnswer = (output: string) => agentHears(({ data }) => (data as { output?: string }).output === output)
    const [oslo, rome] = [isAnswer('Oslo'), isAnswer('Rome')]
    const { inputEventId } = await answerTo(alice, { runId, reply, toolCallId: 'c2', output: 'Oslo' })
    used = (await alice.hears(named('ai-input', { 'event-id': inputEventId }))).serial!
    await oslo
    contexts.push(run.context())
    await arrive({ toolCallId: 'c2', output: 'Rome', runId, reply })
    await rome
    contexts.push(run.context())
  }
  await wake(first.inputEventId)
  await alice.hears(named('ai-run-end'))
  const naming = alice.heard.filter(named('ai-step-start', { 'answer-serials': JSON.stringify([used]) }))
  expect(naming).toHaveLength(1)
  expect(contexts.slice(1).map((context) => context.flatMap(outputsOf))).toEqual([
    ['Bonn'],
    ['Bonn', 'Oslo'],
    ['Bonn', 'Oslo'],
  ])
  await wake((await alice.prompt('Where am I?', { parent: reply })).inputEventId)
  await eventually(() => expect(alice.heard.filter(named('ai-run-end'))).toHaveLength(2))
  expect(contexts.at(-1)!.flatMap(outputsOf)).toEqual(['Bonn', 'Oslo'])

  const session = await openAsBob(name)
  expect(outputsOf(session.view.snapshot(reply))).toEqual(['Bonn', 'Oslo'])
})

it('an answer with a lower serial than the one that the end of a run names changes neither a context nor a view', async () => {
  const contexts: UIMessage[][] = []
  const { alice, name, wake, ask } = await wokenAgent(endpoint, {
    respond(run) {
      contexts.push(run.context())
      return run.pipe(contexts.length > 1 ? textChunks(['Fine.'], `m${contexts.length}`) : streamOf(asking('c1', 'c2')))
    },
  })
  const { runId } = (await ask()).body
  await alice.hears(named('ai-run-suspend'))
  const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
  const arrive = await answerFromFar(alice)
  const { inputEventId } = await answerTo(alice, { runId, reply, toolCallId: 'c1', output: 'Oslo' })
  const used = await alice.hears(named('ai-input', { 'event-id': inputEventId }))
  await alice.cancel({ runId })
  const end = transportOf(await alice.hears(named('ai-run-end')))
  expect(end).toMatchObject({ 'run-reason': 'cancelled', 'answer-serials': JSON.stringify([used.serial]) })
  const nextContext = async (): Promise<unknown[]> => {
    const known = contexts.length
    await wake((await alice.prompt('Where am I?', { parent: reply })).inputEventId)
    await eventually(() => expect(contexts.length).toBeGreaterThan(known))
    return contexts.at(-1)!.flatMap(outputsOf)
  }
  expect(await nextContext()).toEqual(['Oslo'])
  const heard = alice.hears(({ action }) => action === 'message.update')
  await arrive({ toolCallId: 'c1', output: 'Rome', runId, reply })
  await heard
  expect(await nextContext()).toEqual(['Oslo'])

  const session = await openAsBob(name)
  expect(outputsOf(session.view.snapshot(reply))).toEqual(['Oslo'])
})

it('of 450 answers that no context has read, each one counts once the run has ended, also if an earlier one arrives later', async () => {
  const calls = Array.from({ length: 450 }, (_, index) => `c${index}`)
  const { alice, name, ask } = await wokenAgent(endpoint, {
    maxRate: 10_000,
    respond: (run) =>
      run.pipe(
        streamOf([
          { type: 'start', messageId: 'm1' },
          { type: 'start-step' },
          ...calls.map(
            (toolCallId) => ({ type: 'tool-input-available', toolCallId, toolName: 'look', input: {} }) as const,
          ),
          { type: 'finish-step' },
          { type: 'finish', finishReason: 'tool-calls' },
        ]),
      ),
  })
  const { runId } = (await ask()).body
  await alice.hears(named('ai-run-suspend'))
  const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
  const [first, last] = [await answerFromFar(alice), await answerFromFar(alice)]
  for (const toolCallId of calls) await answerTo(alice, { runId, reply, toolCallId, output: toolCallId })
  await alice.cancel({ runId })
  await alice.hears(named('ai-run-end', { 'run-id': runId }))
  const session = await openAsBob(name)
  await first({ toolCallId: 'c0', output: 'Rome', runId, reply })
  await last({ toolCallId: 'c449', output: 'Rome', runId, reply })
  await eventually(() => expect(alice.heard.filter(({ action }) => action === 'message.update')).toHaveLength(2))
  for (const device of [session, await openAsBob(name)]) expect(outputsOf(device.view.snapshot(reply))).toEqual(calls)
})

describe('a late answer', () => {
  it('starts no fork: the request is refused with 409, before and after the run has ended', async () => {
    const { alice, wake, runId, first } = await answeredTwice()
    const prompt = transportOf(alice.heard.find(named('ai-input'))!)['codec-message-id']!
    const message = {
      id: 'm1',
      role: 'assistant',
      parts: [{ type: 'tool-locate', ...call, state: 'input-available', input: {} }],
    }
    const forkSeed = { messages: [{ codecMessageId: 'copy', message }] }
    const headers = { role: 'assistant', parent: prompt, 'codec-message-id': 'copy', supersedes: runId }
    const fork = await answerTo(alice, { toolCallId: 'c1', output: 'Bonn', forkSeed, headers })
    const refused = {
      status: 409,
      body: { error: { message: expect.stringContaining('already answered by alice: output') } },
    }
    expect(await wake(fork.inputEventId)).toMatchObject(refused)
    await wake(first.inputEventId)
    await alice.hears(named('ai-run-end'))
    expect(await wake(fork.inputEventId)).toMatchObject(refused)
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(1)
  })

  it('is not given to an agent that has started since and is woken for it', async () => {
    const { alice, agent, name, contexts, respond, second } = await answeredTwice()
    await agent.close()
    const restarted = agentOn(name, endpoint, { respond })
    await restarted.wake(second.inputEventId)
    await alice.hears(named('ai-run-end'))
    expect(contexts[1]!.at(-1)!.parts.at(-1)).toMatchObject({ state: 'output-available', output: 'Oslo' })
    expect(JSON.stringify(contexts)).not.toContain('Rome')
  })
})
