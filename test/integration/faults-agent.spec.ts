import type { UIMessage, UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { handFed, joinWire, named, textChunks, transportOf, type WireClient } from '../support/agent'
import { beginning, delta, setStage, textOf, type Stage } from '../support/agent-stage'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { answerTo, asking } from '../support/tools'
import { eventually } from '../support/eventually'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

type Published = Parameters<Extract<Parameters<TestEndpoint['loseAck']>[0], (message: never) => boolean>>[0]

const stage = (): Promise<Stage> => setStage(endpoint)

/** The view of a client that was attached all the time. */
function live({ heard }: WireClient, runId: string): UIMessage[] {
  const tree = new Tree<UIMessage>(UIMessageCodec)
  for (const message of heard) tree.apply(message)
  tree.settle()
  const run = tree.runs.get(runId)!
  return Array.from(run.ids, (id) => run.message(id)!)
}

describe('faults of the peer that this agent does not have', () => {
  it('fault 4: a refused append in mid-stream leaves no hole for live viewers, and no unhandled rejection', async () => {
    const unhandled = vi.fn<(reason: unknown) => void>()
    process.on('unhandledRejection', unhandled)
    const { name, alice, started } = await stage()
    const run = await started('Story')
    const source = handFed()
    const piping = run.pipe(source.stream)
    endpoint.refusePublish((message) => message.channel === name && message.data === 'upon ', { times: 1 })
    source.push(...beginning('Once '), delta('upon '), delta('a time.'))
    await eventually(() => expect(source.taken).toBe(6))
    // Long enough for an unhandled rejection to be reported while the stream is open
    await new Promise((resolve) => setTimeout(resolve, 50))
    source.push({ type: 'text-end', id: 't1' })
    source.end()
    expect(await piping).toEqual({ reason: 'complete' })
    await run.end()
    await eventually(() => expect(live(alice, run.runId).map(textOf)).toEqual(['Once upon a time.']))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it.each([
    ['a chunk type that the codec does not know', { type: 'reset-step' }],
    ['a delta of a stream that is not open', { type: 'text-delta', id: 'stray', delta: 'x' }],
    ['the end of a stream that is not open', { type: 'text-end', id: 'stray' }],
    [
      'a tool delta of a call that was not announced',
      { type: 'tool-input-delta', toolCallId: 'c', inputTextDelta: '{' },
    ],
  ])('fault 5: %s does not fail the pipe', async (_, odd) => {
    const { started, readBack } = await stage()
    const run = await started('Hello')
    const [start, ...rest] = textChunks(['Hi'])
    expect(await run.pipe([start!, odd as UIMessageChunk, ...rest])).toEqual({ reason: 'complete' })
    await run.end()
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['Hi'] })
  })

  it('fault 6: a failed pipe leaves no stream open on the channel', async () => {
    const { alice, started } = await stage()
    const run = await started('Hello')
    const source = handFed()
    source.push(...beginning('Half'))
    source.fail(new Error('socket closed'))
    expect(await run.pipe(source.stream)).toMatchObject({ reason: 'error' })
    await run.end()
    await alice.hears(named('ai-run-end'))
    await eventually(async () => {
      const { items } = await alice.channel.history({ limit: 100 })
      const statuses = items.map((item) => transportOf(item).status).filter((status) => status !== undefined)
      expect(statuses).toEqual(['cancelled'])
    })
  })

  it.each([
    ['announced but not streamed', []],
    ['streamed in part', ['{"city":']],
    ['streamed whole', ['{"city":', '"Oslo"}']],
  ])('fault 7: tool input that was %s is kept', async (_, deltas) => {
    const { alice, started } = await stage()
    const run = await started('Weather?')
    const toolCallId = 'call-1'
    const input = { city: 'Oslo' }
    await run.pipe([
      { type: 'start' },
      { type: 'tool-input-start', toolCallId, toolName: 'weather' },
      ...deltas.map((inputTextDelta) => ({ type: 'tool-input-delta', toolCallId, inputTextDelta }) as const),
      { type: 'tool-input-available', toolCallId, toolName: 'weather', input },
    ])
    await run.end()
    await alice.hears(named('ai-run-end'))
    await eventually(() =>
      expect(live(alice, run.runId)[0]!.parts.at(-1)).toMatchObject({ state: 'input-available', input }),
    )
  })

  it('fault 7: tool input that is repaired after streaming is the repaired value, not the streamed text', async () => {
    const { name, alice, started } = await stage()
    const run = await started('Weather?')
    const toolCallId = 'call-1'
    endpoint.refusePublish((message) => message.channel === name && message.data === '{"city":', { times: 1 })
    await run.pipe([
      { type: 'tool-input-start', toolCallId, toolName: 'weather' },
      { type: 'tool-input-delta', toolCallId, inputTextDelta: '{"city":' },
      { type: 'tool-input-delta', toolCallId, inputTextDelta: '"Oslo"}' },
      { type: 'tool-input-available', toolCallId, toolName: 'weather', input: { city: 'Oslo' } },
    ])
    await run.end()
    await eventually(() => expect(live(alice, run.runId)[0]!.parts.at(-1)).toMatchObject({ input: { city: 'Oslo' } }))
  })

  it('fault 9: a cancel that was sent before the agent attached is applied', async () => {
    const { alice, create } = await stage()
    const { inputId, inputEventId } = await alice.prompt('Never mind')
    await alice.cancel({ inputId })
    const run = create(inputEventId)
    await run.start()
    expect(run.abortSignal.aborted).toBe(true)
    expect(await run.pipe(textChunks(['Answer']))).toEqual({ reason: 'cancelled' })
    await run.end()
    const end = await alice.hears(named('ai-run-end'))
    expect(transportOf(end)['run-reason']).toBe('cancelled')
    expect(alice.heard.some(named('ai-output'))).toBe(false)
  })

  it('fault 10: a run that another user resumes still belongs to its owner, on every message', async () => {
    const { name, alice, started, session, create } = await stage()
    const run = await started('Where am I?')
    await run.pipe(asking('call-1'))
    await run.end()
    const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
    const bob = await joinWire(endpoint.client({ clientId: 'bob' }), name)
    const { inputEventId } = await answerTo(bob, { runId: run.runId, reply, toolCallId: 'call-1', output: 'Oslo' })
    const next = create(inputEventId)
    await next.start()
    await next.pipe(textChunks(['In Oslo.'], 'm2'))
    await next.end()
    await alice.hears(named('ai-run-end'))
    const published = alice.heard.filter(({ clientId }) => clientId === 'agent').map(transportOf)
    expect(new Set(published.map((transport) => transport['run-client-id']))).toEqual(new Set(['alice']))
    const resume = transportOf(await alice.hears(named('ai-run-resume')))
    expect(resume['input-client-id']).toBe('bob')
    expect(session.tree.runs.get(run.runId)!.info().clientId).toBe('alice')
  })

  /**
   * Drops the responses of the service, and the connection's state with them: the SDK sends everything again.
   */
  const forgetAgent = (match: (message: Published) => boolean) => {
    endpoint.refuseResume({ times: 1 })
    endpoint.loseAck(match)
  }
  const textsOn = ({ log }: Tree<UIMessage>, runId: string) =>
    Array.from(log.rows()).flatMap(({ name, transport, data }) =>
      name === 'ai-output' && transport['run-id'] === runId && transport.stream === 'true' ? [data] : [],
    )

  it('a connection lost with its state does not duplicate text of a reply that continues', async () => {
    const { name, alice, started, session, readBack, agentClient } = await stage()
    const run = await started('Story')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('q0 '))
    await alice.hears(({ data }) => data === 'q0 ')
    const { id } = agentClient.connection
    forgetAgent((message) => message.channel === name && message.data === 'q1 ')
    source.push(delta('q1 '))
    await eventually(() => expect([undefined, id]).not.toContain(agentClient.connection.id))
    // The text is repaired even if nothing more is written
    await eventually(() => expect(live(alice, run.runId).map(textOf)).toEqual(['q0 q1 ']))
    source.push(delta('q2'), { type: 'text-end', id: 't1' })
    source.end()
    expect(await piping).toEqual({ reason: 'complete' })
    await run.end()
    await eventually(() => expect(live(alice, run.runId).map(textOf)).toEqual(['q0 q1 q2']))
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['q0 q1 q2'] })
    expect(textsOn(session.tree, run.runId)).toEqual(['q0 q1 q2'])
  })

  it.each([
    ['the beginning of its text', ({ name, action }: Published) => name === 'ai-output' && action === 'create'],
    ['some of its text', ({ action }: Published) => action === 'append'],
    ['the end of its text', (message: Published) => transportOf(message).status === 'complete'],
    ['the start of its step', ({ name }: Published) => name === 'ai-step-start'],
    ['the end of its step', ({ name }: Published) => name === 'ai-step-end'],
    ['its end', ({ name }: Published) => name === 'ai-run-end'],
  ])('a connection lost with its state duplicates nothing: %s', async (_, isIt) => {
    const { name, alice, started, session, readBack, agentClient } = await stage()
    const run = await started('Story')
    const { id } = agentClient.connection
    forgetAgent((message) => message.channel === name && isIt(message))
    await run.pipe(textChunks(['q0 ', 'q1 ', 'q2']))
    await run.end()
    expect(agentClient.connection.id).not.toBe(id)
    await eventually(() => expect(live(alice, run.runId).map(textOf)).toEqual(['q0 q1 q2']))
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['q0 q1 q2'] })
    expect(textsOn(session.tree, run.runId)).toEqual(['q0 q1 q2'])
    const lifecycle = alice.heard.filter(({ name: given }) => /^ai-(run|step)-/.test(given ?? ''))
    const names = lifecycle.map((message) => message.name)
    expect(names).toEqual(['ai-run-start', 'ai-step-start', 'ai-step-end', 'ai-run-end'])
  })
})
