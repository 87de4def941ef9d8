import { convertToModelMessages, type UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createAgentSession, ownerOnly, type CancelRequest, type SessionError } from '../../src/agent'
import { handFed, joinWire, named, textChunks, transportOf } from '../support/agent'
import { beginning, said, setStage, textOf, type Stage } from '../support/agent-stage'
import { handAgent } from '../support/hand-agent'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { answerTo, asking } from '../support/tools'
import { eventually } from '../support/eventually'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const stage = (): Promise<Stage> => setStage(endpoint)

/** A run that has called a client tool, and is suspended. */
async function waiting(scene: Stage, hooks = {}) {
  const run = await scene.started('Where am I?', hooks)
  expect(await run.pipe(asking('call-1'))).toEqual({ reason: 'suspend' })
  await run.end()
  await scene.alice.hears(named('ai-run-suspend'))
  const output = await scene.alice.hears(named('ai-output', { 'run-id': run.runId }))
  return { run, reply: transportOf(output)['codec-message-id']! }
}

/** The names of run and step messages; appends can arrive late and are left out. */
const lifecycle = ({ alice }: Stage): string[] =>
  alice.heard.flatMap(({ name = '' }) => (name.startsWith('ai-run') || name.startsWith('ai-step') ? [name] : []))

describe('a suspended run', () => {
  it('is suspended for all clients, and publishes nothing more', async () => {
    const scene = await stage()
    const { run } = await waiting(scene)
    expect(run.phase).toBe('suspended')
    expect((await scene.readBack(run.runId)).status).toBe('suspended')
    const refusal = { code: 40003 }
    await expect(run.pipe(textChunks(['Hi']))).rejects.toMatchObject(refusal)
    await expect(run.end()).rejects.toMatchObject(refusal)
    await expect(run.suspend()).rejects.toMatchObject(refusal)
    expect(lifecycle(scene).at(-1)).toBe('ai-run-suspend')
  })

  it('cannot be suspended while a pipe is running, or before it started', async () => {
    const scene = await stage()
    const { inputEventId } = await scene.alice.prompt('Hello')
    await expect(scene.create(inputEventId).suspend()).rejects.toMatchObject({ code: 40003 })
    const run = await scene.started('one')
    const source = handFed()
    const piping = run.pipe(source.stream)
    await expect(run.suspend()).rejects.toMatchObject({ code: 40003 })
    source.end()
    await piping
  })

  it('can be suspended again after the channel refused it', async () => {
    const scene = await stage()
    const run = await scene.started('Where am I?')
    await run.pipe(asking('call-1'))
    const error = { code: 40_000, statusCode: 400 }
    const allow = endpoint.refusePublish({ channel: scene.name, name: 'ai-run-suspend' }, { error })
    await expect(run.suspend()).rejects.toMatchObject({ code: 104003 })
    await expect(run.suspend()).rejects.toMatchObject({ code: 104003 })
    allow()
    await Promise.all([run.suspend(), run.suspend()])
    expect(run.phase).toBe('suspended')
    await scene.alice.hears(named('ai-run-suspend'))
    expect((await scene.readBack(run.runId)).status).toBe('suspended')
    expect(lifecycle(scene).filter((name) => name === 'ai-run-suspend')).toHaveLength(1)
  })

  it('does not replace an end that the channel refused', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    const error = { code: 40_000, statusCode: 400 }
    endpoint.refusePublish({ channel: scene.name, name: 'ai-run-end' }, { error, times: 2 })
    await expect(run.end()).rejects.toMatchObject({ code: 104003 })
    await expect(run.suspend()).rejects.toMatchObject({ code: 40003, message: /the run is over/ })
    await run.end()
    expect((await scene.readBack(run.runId)).status).toBe('complete')
  })

  it('ends as cancelled instead if it was cancelled before', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    await run.pipe(asking('call-1'))
    await scene.alice.cancel({ runId: run.runId })
    await eventually(() => expect(run.abortSignal.aborted).toBe(true))
    await run.suspend()
    expect((await scene.readBack(run.runId)).status).toBe('cancelled')
  })

  it('S31 ends as cancelled on a cancel, and its signal aborts', async () => {
    const scene = await stage()
    const { run } = await waiting(scene)
    await scene.alice.cancel({ runId: run.runId })
    await scene.alice.hears(named('ai-run-end', { 'run-id': run.runId, 'run-reason': 'cancelled' }))
    await eventually(() => expect([run.phase, run.abortSignal.aborted]).toEqual(['over', true]))
    expect((await scene.readBack(run.runId)).status).toBe('cancelled')
  })

  it('S31 ends as cancelled if the cancel arrives while it is being suspended', async () => {
    const scene = await stage()
    const run = await scene.started('Where am I?')
    await run.pipe(asking('call-1'))
    const release = endpoint.delayPublish({ channel: scene.name, name: 'ai-run-suspend' })
    const ending = run.end()
    await eventually(() => expect(run.phase).toBe('ending'))
    await new Promise((resolve) => setTimeout(resolve, 30))
    await scene.alice.cancel({ runId: run.runId })
    await eventually(() => expect(run.abortSignal.aborted).toBe(true))
    release()
    await ending
    expect(run.phase).toBe('over')
    expect(await scene.readBack(run.runId)).toMatchObject({ status: 'cancelled' })
  })

  it('stays suspended if its session ends while it is being suspended', async () => {
    const scene = await stage()
    const run = await scene.started('Where am I?')
    await run.pipe(asking('call-1'))
    const release = endpoint.delayPublish({ channel: scene.name, name: 'ai-run-suspend' })
    const ending = run.end()
    await eventually(() => expect(run.phase).toBe('ending'))
    await new Promise((resolve) => setTimeout(resolve, 30))
    const closing = scene.session.end()
    release()
    await Promise.all([ending, closing])
    expect(await scene.readBack(run.runId)).toMatchObject({ status: 'suspended' })
  })

  it('S31 S48 calls onCancel for a cancel', async () => {
    const scene = await stage()
    const asked: CancelRequest[] = []
    const onCancel = (request: CancelRequest) => (asked.push(request), ownerOnly(request))
    const { run } = await waiting(scene, { onCancel })
    const bob = await joinWire(endpoint.client({ clientId: 'bob' }), scene.name)
    await bob.cancel({ runId: run.runId })
    await eventually(() => expect(asked).toHaveLength(1))
    expect(run.phase).toBe('suspended')
    await scene.alice.cancel({ runId: run.runId })
    await scene.alice.hears(named('ai-run-end'))
    expect(asked.map(({ clientId, ownerClientId }) => [clientId, ownerClientId])).toEqual([
      ['bob', 'alice'],
      ['alice', 'alice'],
    ])
  })

  it('stays suspended when its session ends', async () => {
    const scene = await stage()
    const { run } = await waiting(scene)
    await scene.session.end()
    expect((await scene.readBack(run.runId)).status).toBe('suspended')
  })

  it('cannot be ended here once another process has resumed it', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    const other = await setStage(endpoint, { name: scene.name })
    const { inputEventId } = await answerTo(scene.alice, {
      runId: run.runId,
      reply,
      toolCallId: 'call-1',
      output: 'Oslo',
    })
    const next = other.create(inputEventId, { onCancel: () => false })
    await next.start()
    await scene.alice.hears(named('ai-run-resume'))
    await scene.alice.cancel({ runId: run.runId })
    await next.pipe(textChunks(['You are in Oslo.'], 'm2'))
    await next.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(scene.alice.heard.filter(named('ai-run-end')).map((end) => transportOf(end)['run-reason'])).toEqual([
      'complete',
    ])
  })
})

describe('a suspended run that another process resumes', () => {
  /** Resumes the run in another process. */
  async function elsewhere({ alice, name }: Stage, runId: string, reply: string) {
    const other = await setStage(endpoint, { name })
    const { inputEventId } = await answerTo(alice, { runId, reply, toolCallId: 'call-1', output: 'Oslo' })
    const next = other.create(inputEventId)
    await next.start()
    return next
  }

  it('is released, and its steers are no longer decided here', async () => {
    const onCancel = vi.fn<() => boolean>(() => false)
    const scene = await stage()
    const { run, reply } = await waiting(scene, { onCancel })
    const next = await elsewhere(scene, run.runId, reply)
    await eventually(() => expect(run.phase).toBe('over'))
    await scene.alice.cancel({ runId: run.runId })
    await eventually(() => expect(next.abortSignal.aborted).toBe(true))
    expect(onCancel).not.toHaveBeenCalled()
    expect(run.abortSignal.aborted).toBe(false)
  })

  it('is released, too, if the resume is only read from history after a lost connection', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    const { connectionId } = await scene.alice.hears(named('ai-run-suspend'))
    const restore = endpoint.dropConnection((each) => each.connectionId === connectionId, { refuseFor: Infinity })
    await eventually(() => expect(scene.agentClient.connection.state).not.toBe('connected'))
    await elsewhere(scene, run.runId, reply)
    endpoint.refuseResume()
    endpoint.breakContinuity(scene.name)
    restore()
    await eventually(() => expect(run.phase).toBe('over'))
    expect(run.abortSignal.aborted).toBe(false)
  })
})

describe('a resumed run', () => {
  it('keeps its id, whatever id is given, and contains the answer', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    const { inputEventId } = await answerTo(scene.alice, {
      runId: run.runId,
      reply,
      toolCallId: 'call-1',
      output: 'Oslo',
    })
    const next = scene.create(inputEventId, { runId: 'another', invocationId: 'inv-2' })
    await next.start()
    expect(next.runId).toBe(run.runId)
    const messages = next.context()
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(messages[1]!.parts.at(-1)).toMatchObject({ state: 'output-available', output: 'Oslo' })
    const model = await convertToModelMessages(messages)
    expect(model.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
    await next.pipe(textChunks(['You are in Oslo.'], 'm2'))
    await next.end()
    await scene.alice.hears(named('ai-run-end'))
    const start = await scene.alice.hears(named('ai-step-start', { 'invocation-id': 'inv-2' }))
    expect(transportOf(start)['step-id']).toBe('inv-2-step-0')
    expect(await scene.readBack(run.runId)).toMatchObject({ status: 'complete', texts: ['', 'You are in Oslo.'] })
    expect(run.phase).toBe('over')
  })

  const namedRuns = async ({ alice }: Stage) => (await alice.channel.presence.get()).map(({ data }) => data as unknown)

  it('is named in presence, although the run that it takes the place of was suspended in this process', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    await eventually(async () => expect(await namedRuns(scene)).toEqual([]))
    const about = { runId: run.runId, reply, toolCallId: 'call-1', output: 'Oslo' }
    const { inputEventId } = await answerTo(scene.alice, about)
    const next = scene.create(inputEventId)
    await next.start()
    await eventually(async () => expect(await namedRuns(scene)).toEqual([{ runs: [run.runId] }]))
    await next.end()
    await eventually(async () => expect(await namedRuns(scene)).toEqual([]))
  })

  it('is named in presence, although a second wake for its answer was refused in this process', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    const about = { runId: run.runId, reply, toolCallId: 'call-1', output: 'Oslo' }
    const { inputEventId } = await answerTo(scene.alice, about)
    const next = scene.create(inputEventId)
    await next.start()
    await expect(scene.create(inputEventId).start()).rejects.toMatchObject({ name: 'SessionError' })
    await eventually(async () => expect(await namedRuns(scene)).toEqual([{ runs: [run.runId] }]))
    await next.end()
    await eventually(async () => expect(await namedRuns(scene)).toEqual([]))
  })

  it('closes calls without an answer, and keeps approved ones', async () => {
    const scene = await stage()
    const run = await scene.started('Do three things')
    await run.pipe(asking('answered', 'open', 'allowed'))
    await run.end()
    const reply = transportOf(await scene.alice.hears(named('ai-output')))['codec-message-id']!
    const about = { runId: run.runId, reply }
    await answerTo(scene.alice, { ...about, toolCallId: 'answered', output: 'Oslo' })
    const { inputEventId } = await answerTo(scene.alice, { ...about, toolCallId: 'allowed', approved: true })
    const next = scene.create(inputEventId)
    await next.start()
    const states = next.context()[1]!.parts.flatMap((part) => ('state' in part ? [part.state] : []))
    expect(states).toEqual(['output-available', 'output-error', 'approval-responded'])
  })

  it('S31 applies cancels that came before the answer: no agent could hear them, and an answer undoes none', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    await scene.session.detach()
    await scene.alice.cancel({ runId: run.runId })
    const about = { runId: run.runId, reply, toolCallId: 'call-1' }
    const { inputEventId } = await answerTo(scene.alice, { ...about, output: 'Oslo' })
    const other = await setStage(endpoint, { name: scene.name })
    const next = other.create(inputEventId)
    await next.start()
    expect(next.abortSignal.aborted).toBe(true)
    await next.end()
    expect((await scene.readBack(run.runId)).status).toBe('cancelled')
  })

  it('S31 applies cancels that came after the answer', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    const about = { runId: run.runId, reply, toolCallId: 'call-1' }
    const { inputEventId } = await answerTo(scene.alice, { ...about, output: 'Oslo' })
    const next = scene.create(inputEventId)
    await next.start()
    expect(next.abortSignal.aborted).toBe(false)
    await scene.alice.cancel({ runId: run.runId })
    await eventually(() => expect(next.abortSignal.aborted).toBe(true))
    await next.end()
    expect((await scene.readBack(run.runId)).status).toBe('cancelled')
  })

  it('is refused with 40003, before anything is published, if it has ended or does not exist', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    await scene.alice.cancel({ runId: run.runId })
    await scene.alice.hears(named('ai-run-end'))
    const before = lifecycle(scene)
    const about = { runId: run.runId, reply, toolCallId: 'call-1', output: 'Oslo' }
    const { inputEventId } = await answerTo(scene.alice, about)
    await expect(scene.create(inputEventId).start()).rejects.toMatchObject({ code: 40003, message: /has ended/ })
    const stray = await answerTo(scene.alice, { ...about, runId: 'never-was' })
    await expect(scene.create(stray.inputEventId).start()).rejects.toMatchObject({ code: 40003 })
    await scene.alice.hears(named('ai-input', { 'run-id': 'never-was' }))
    expect(lifecycle(scene)).toEqual(before)
  })

  it.each([
    ['of another message', { reply: 'another' }],
    ['that the message does not have', { toolCallId: 'unknown' }],
    ['that asks for no approval', { output: undefined, approved: true }],
  ])('is refused for an answer to a call %s, and waits on', async (_, wrong) => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    const about = { runId: run.runId, reply, toolCallId: 'call-1', output: 'Oslo' }
    const stray = await answerTo(scene.alice, { ...about, ...wrong })
    await expect(scene.create(stray.inputEventId).start()).rejects.toMatchObject({
      code: 40003,
      message: /no such call/,
    })
    expect(lifecycle(scene).at(-1)).toBe('ai-run-suspend')
    const { inputEventId } = await answerTo(scene.alice, about)
    const next = scene.create(inputEventId)
    await next.start()
    expect(next.context()[1]!.parts.at(-1)).toMatchObject({ state: 'output-available', output: 'Oslo' })
    await next.end()
  })

  it('is found in complete history by a process that has not seen it before', async () => {
    const scene = await stage()
    const { run, reply } = await waiting(scene)
    for (let n = 0; n < 30; n++) await scene.alice.prompt(`noise ${n}`)
    const { inputEventId } = await answerTo(scene.alice, {
      runId: run.runId,
      reply,
      toolCallId: 'call-1',
      output: 'Oslo',
    })
    const cold = await setStage(endpoint, { name: scene.name, historyPageSize: 4 })
    const next = cold.create(inputEventId)
    await next.start()
    expect(next.context().map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(next.context()[0]!.parts).toMatchObject([{ text: 'Where am I?' }])
  })
})

describe('a run that replaces a suspended one', () => {
  it.each([
    ['named', true],
    ['not named', false],
  ])("starts with copies of that run's messages: %s", async (_, isNamed) => {
    const scene = await stage()
    const { run } = await waiting(scene)
    const prompt = scene.alice.heard.find(named('ai-input'))!
    const parent = transportOf(prompt)['codec-message-id']!
    const message = { id: 'm1', role: 'assistant', parts: asking('call-1').flatMap(toPart) }
    const forkSeed = { messages: [{ codecMessageId: 'copy', message }] }
    const place: Record<string, string> = isNamed ? { supersedes: run.runId } : {}
    const headers = { role: 'assistant', parent, 'codec-message-id': 'copy', ...place }
    const { inputEventId } = await answerTo(scene.alice, { toolCallId: 'call-1', output: 'Oslo', forkSeed, headers })
    const next = scene.create(inputEventId)
    await next.start()
    expect(next.runId).not.toBe(run.runId)
    expect(next.context().map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(next.context()[1]!.parts.at(-1)).toMatchObject({ state: 'output-available', output: 'Oslo' })
    await next.pipe(textChunks(['In Oslo.'], 'm2'))
    await next.end()
    const start = await scene.alice.hears(named('ai-run-start', { 'run-id': next.runId }))
    const output = await scene.alice.hears(named('ai-output', { 'run-id': next.runId }))
    expect([transportOf(start).parent, transportOf(output).parent]).toEqual([parent, 'copy'])
    expect(said(next.context()).slice(-2)).toEqual(['assistant: In Oslo.', 'user: [Continue.]'])
  })

  it('tells the model that a message sent into that run is of the user, then and in later runs', async () => {
    const scene = await stage()
    const { run } = await waiting(scene)
    const parent = transportOf(scene.alice.heard.find(named('ai-input'))!)['codec-message-id']!
    const reply = { id: 'm1', role: 'assistant', parts: asking('call-1').flatMap(toPart) }
    const steer = { id: 's1', role: 'user', parts: [{ type: 'text', text: 'Be brief' }] }
    const messages = [
      { codecMessageId: 'copy', message: reply },
      { codecMessageId: 'copied-steer', message: steer },
    ]
    const headers = { role: 'assistant', parent, 'codec-message-id': 'copy', supersedes: run.runId }
    const answer = { toolCallId: 'call-1', output: 'Oslo', forkSeed: { messages }, headers }
    const next = scene.create((await answerTo(scene.alice, answer)).inputEventId)
    await next.start()
    expect(said(next.context()).at(-1)).toBe('user: Be brief')
    await next.pipe(textChunks(['In Oslo.'], 'm2'))
    await next.end()
    const output = transportOf(await scene.alice.hears(named('ai-output', { 'run-id': next.runId })))
    const later = await scene.started('And then?', {}, { parent: output['codec-message-id']! })
    expect(said(later.context()).slice(-3)).toEqual(['user: Be brief', 'assistant: In Oslo.', 'user: And then?'])
  })
})

const toPart = (chunk: UIMessageChunk): object[] => {
  if (chunk.type !== 'tool-input-available') return []
  const { toolName, toolCallId, input } = chunk
  return [{ type: `tool-${toolName}`, toolCallId, state: 'input-available', input }]
}

describe('adoptRun', () => {
  it('continues an open run that another process has left, with the given ids, and publishes nothing', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    await run.pipe(textChunks(['First']))
    const left = JSON.parse(JSON.stringify(run)) as ReturnType<typeof run.toJSON>
    await scene.session.detach()
    await scene.alice.hears(named('ai-step-end'))
    const before = lifecycle(scene)
    const client = endpoint.client({ clientId: 'agent-2' })
    const session = createAgentSession({ client, sessionName: scene.name })
    const adopted = await session.adoptRun(left)
    expect(adopted.toJSON()).toEqual(left)
    expect(adopted.phase).toBe('open')
    expect(said(adopted.context())).toEqual(['user: one', 'assistant: First', 'user: [Continue.]'])
    expect(lifecycle(scene)).toEqual(before)
    await adopted.pipe(textChunks(['Second'], 'm2'))
    await adopted.end()
    expect(await scene.readBack(run.runId)).toEqual({ status: 'complete', texts: ['First', 'Second'] })
    const start = scene.alice.heard.filter(named('ai-step-start')).at(-1)!
    expect(transportOf(start)).toMatchObject({ 'step-id': `${left.invocationId}-step-1`, 'step-client-id': 'alice' })
  })

  /** A run that its process has left in the middle of a text. */
  async function halfWritten() {
    const scene = await stage()
    const run = await scene.started('one')
    const source = handFed()
    run.pipe(source.stream).catch(() => undefined)
    source.push(...beginning('Half a '))
    await scene.alice.hears((message) => message.data === 'Half a ')
    await scene.session.detach()
    const { serial = '' } = await scene.alice.hears(named('ai-output', { stream: 'true', 'run-id': run.runId }))
    /** The stream as it is on the channel. */
    const stream = async () => {
      const { data, extras, clientId } = await scene.alice.channel.getMessage(serial)
      return { data, clientId, status: transportOf({ extras }).status }
    }
    expect(await stream()).toEqual({ data: 'Half a ', clientId: 'agent', status: 'streaming' })
    const other = await setStage(endpoint, { name: scene.name })
    const errors: SessionError[] = []
    other.session.on('error', (error) => errors.push(error))
    return { scene, run, other, errors, stream }
  }

  it('closes as cancelled the streams that the other process left open', async () => {
    const { scene, run, other, errors, stream } = await halfWritten()
    const adopted = await other.session.adoptRun(run.toJSON())
    expect(await stream()).toEqual({ data: 'Half a ', clientId: 'agent', status: 'cancelled' })
    await adopted.pipe(textChunks(['story'], 'm2'))
    await adopted.end()
    expect(await scene.readBack(run.runId)).toEqual({ status: 'complete', texts: ['Half a ', 'story'] })
    expect(errors).toEqual([])
  })

  it('continues if the channel refuses to close one, and reports it', async () => {
    const { scene, run, other, errors, stream } = await halfWritten()
    const error = { code: 40_160, statusCode: 401, message: 'not permitted' }
    const { name } = scene
    const allow = endpoint.refusePublish(({ channel, action }) => channel === name && action !== 'create', { error })
    const adopted = await other.session.adoptRun(run.toJSON())
    allow()
    expect(adopted.phase).toBe('open')
    expect(errors).toMatchObject([{ code: 40_160, message: /close a stream that another process has left/ }])
    expect((await stream()).status).toBe('streaming')
    await adopted.end()
  })

  it('stops on a cancel of the run', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    await scene.session.detach()
    const other = await setStage(endpoint, { name: scene.name })
    const adopted = await other.session.adoptRun(run.toJSON())
    await scene.alice.cancel({ runId: run.runId })
    await eventually(() => expect(adopted.abortSignal.aborted).toBe(true))
    await adopted.end()
    expect((await scene.readBack(run.runId)).status).toBe('cancelled')
  })

  it('waits for a start that has not arrived yet', async () => {
    const scene = await stage()
    const { inputEventId } = await scene.alice.prompt('one')
    const ids = { runId: 'my-run', invocationId: 'my-invocation' }
    const other = await setStage(endpoint, { name: scene.name })
    const adopting = other.session.adoptRun({ ...ids, inputEventId })
    await eventually(() => expect(other.session.tree.log.newest).not.toBe(''))
    await scene.create(inputEventId, ids).start()
    expect((await adopting).phase).toBe('open')
  })

  it('finds a start that was published while its connection was lost', async () => {
    const { alice, name } = await stage()
    const { inputId, inputEventId } = await alice.prompt('one')
    const client = endpoint.client({ clientId: 'agent-cut' })
    const session = createAgentSession({ client, sessionName: name })
    const adopting = session.adoptRun({ runId: 'missed', invocationId: 'i', inputEventId })
    await eventually(() => expect(session.tree.log.newest).not.toBe(''))
    const restore = endpoint.dropConnection('agent-cut', { refuseFor: Infinity })
    await eventually(() => expect(client.connection.state).not.toBe('connected'))
    await handAgent(endpoint.client({ clientId: 'other' }), name).startRun('missed', inputId, 'alice')
    endpoint.breakContinuity(name)
    restore()
    expect((await adopting).phase).toBe('open')
  })

  it('fails with 104010 if no start or input arrives in time', async () => {
    const scene = await stage()
    const { inputEventId } = await scene.alice.prompt('one')
    const ids = { runId: 'no-run', invocationId: 'i' }
    const hooks = { triggerTimeout: 50 }
    await expect(scene.session.adoptRun({ ...ids, inputEventId }, hooks)).rejects.toMatchObject({ code: 104010 })
    const run = await scene.started('two')
    const lost = scene.session.adoptRun({ ...run.toJSON(), inputEventId: 'no-input' }, hooks)
    await expect(lost).rejects.toMatchObject({ code: 104010 })
  })

  it('stops waiting if its signal aborts', async () => {
    const scene = await stage()
    const { inputEventId } = await scene.alice.prompt('one')
    const controller = new AbortController()
    const ids = { runId: 'no-run', invocationId: 'i', inputEventId }
    const adopting = scene.session.adoptRun(ids, { signal: controller.signal })
    await eventually(() => expect(scene.session.tree.log.newest).not.toBe(''))
    controller.abort()
    await expect(adopting).rejects.toMatchObject({ code: 40033 })
  })

  it('refuses suspended or ended runs with 40003', async () => {
    const scene = await stage()
    const { run } = await waiting(scene)
    const other = await setStage(endpoint, { name: scene.name })
    await expect(other.session.adoptRun(run.toJSON())).rejects.toMatchObject({ code: 40003, message: /suspended/ })
    await scene.alice.cancel({ runId: run.runId })
    await scene.alice.hears(named('ai-run-end'))
    await eventually(() =>
      expect(other.session.adoptRun(run.toJSON())).rejects.toMatchObject({ code: 40003, message: /ended/ }),
    )
    expect(textOf(run.context()[0]!)).toBe('Where am I?')
  })
})
