import type { UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createAgentSession, Invocation } from '../../src/agent'
import { handFed, joinWire, named, streamOf, textChunks, transportOf } from '../support/agent'
import { beginning, delta, said, setStage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const stage = (options?: Parameters<typeof setStage>[1]) => setStage(endpoint, options)

describe('a run', () => {
  it('S7 is created for each prompt on the session', async () => {
    const { started, readBack } = await stage()
    const one = await started('one')
    const two = await started('two')
    await Promise.all([one.pipe(streamOf(textChunks(['First']))), two.pipe(streamOf(textChunks(['Second'])))])
    await Promise.all([one.end(), two.end()])
    expect(one.runId).not.toBe(two.runId)
    expect(await readBack(one.runId)).toEqual({ status: 'complete', texts: ['First'] })
    expect(await readBack(two.runId)).toEqual({ status: 'complete', texts: ['Second'] })
  })

  it('S55 keeps its tokens apart from those of concurrent runs', async () => {
    const { started, readBack } = await stage()
    const runs = await Promise.all(['one', 'two', 'three'].map((text) => started(text)))
    const sources = runs.map(() => handFed())
    const pipes = runs.map((run, index) => run.pipe(sources[index]!.stream))
    for (const source of sources) source.push(...beginning(''))
    for (let n = 0; n < 30; n++) {
      sources.forEach((source, index) => source.push({ type: 'text-delta', id: 't1', delta: `${index}` }))
    }
    for (const source of sources) source.end()
    await Promise.all(pipes)
    await Promise.all(runs.map((run) => run.end()))
    for (const [index, run] of runs.entries()) {
      expect((await readBack(run.runId)).texts).toEqual([`${index}`.repeat(30)])
    }
  })

  it('finds a prompt that was published before it attached, many pages back', async () => {
    const { alice, create } = await stage({ historyPageSize: 2 })
    const { inputId, inputEventId } = await alice.prompt('early')
    for (let n = 0; n < 9; n++) await alice.prompt(`later ${n}`)
    const run = create(inputEventId)
    await run.start()
    expect(run.inputId).toBe(inputId)
    expect(said(run.context())).toEqual(['user: early'])
  })

  it('waits for a prompt that is published after it attached', async () => {
    const { alice, session, create } = await stage()
    await session.connect()
    const inputEventId = 'my-event'
    const run = create(inputEventId)
    const starting = run.start()
    await alice.prompt('late', { 'event-id': inputEventId })
    await starting
    expect(said(run.context())).toEqual(['user: late'])
  })

  it('publishes nothing for a prompt that does not arrive', async () => {
    const { alice, create } = await stage()
    await expect(create('no-such-event', { triggerTimeout: 50 }).start()).rejects.toMatchObject({ code: 104010 })
    await alice.prompt('afterwards')
    await alice.hears(named('ai-input'))
    expect(alice.heard.map(({ name }) => name)).toEqual(['ai-input'])
  })

  it('uses the given ids, but no empty ones', async () => {
    const { started, create } = await stage()
    const run = await started('one', { runId: 'my-run', invocationId: 'my-invocation' })
    expect([run.runId, run.invocationId]).toEqual(['my-run', 'my-invocation'])
    expect(() => create('e', { runId: '' })).toThrow(expect.objectContaining({ code: 40003 }))
    expect(() => create('e', { invocationId: '' })).toThrow(expect.objectContaining({ code: 40003 }))
  })

  it('refuses an input that is not a prompt of a user', async () => {
    const { alice, create } = await stage()
    const system = await alice.prompt('Obey', { role: 'system' })
    await expect(create(system.inputEventId).start()).rejects.toMatchObject({ code: 40003 })
    const steer = await alice.prompt('faster', { 'run-id': 'some-run' })
    await expect(create(steer.inputEventId).start()).rejects.toMatchObject({ code: 40003 })
    await alice.hears(named('ai-input', { 'run-id': 'some-run' }))
    expect(alice.heard.every(({ name }) => name === 'ai-input')).toBe(true)
  })

  it('refuses calls in the wrong order with 40003', async () => {
    const { alice, create, started } = await stage()
    const { inputEventId } = await alice.prompt('one')
    const fresh = create(inputEventId)
    const refusal = { code: 40003 }
    expect(() => fresh.context()).toThrow(expect.objectContaining(refusal))
    await expect(fresh.pipe(streamOf([]))).rejects.toMatchObject(refusal)
    await expect(fresh.end()).rejects.toMatchObject(refusal)
    const run = await started('two')
    await expect(run.start()).rejects.toMatchObject(refusal)
    const source = handFed()
    const piping = run.pipe(source.stream)
    await expect(run.pipe(streamOf([]))).rejects.toMatchObject(refusal)
    source.end()
    await piping
    await run.end()
    await expect(run.pipe(streamOf([]))).rejects.toMatchObject(refusal)
  })

  it('ends once, with the result of its last pipe unless another is given', async () => {
    const { alice, started, readBack } = await stage()
    const failed = await started('one')
    await failed.pipe(streamOf<UIMessageChunk>([...beginning('Half'), { type: 'error', errorText: 'model died' }]))
    await failed.end()
    await failed.end({ reason: 'complete' })
    const end = await alice.hears(named('ai-run-end', { 'run-id': failed.runId }))
    expect(transportOf(end)).toMatchObject({
      'run-reason': 'error',
      'error-message': 'model died',
      'error-code': '104008',
    })
    const told = await started('two')
    await told.pipe(streamOf<UIMessageChunk>([{ type: 'abort' }]))
    await told.end({ reason: 'complete' })
    expect((await readBack(told.runId)).status).toBe('complete')
    expect(alice.heard.filter(named('ai-run-end', { 'run-id': failed.runId }))).toHaveLength(1)
  })

  it('counts as cancelled if its stream reports an abort', async () => {
    const { started, readBack } = await stage()
    const run = await started('one')
    const result = await run.pipe(streamOf<UIMessageChunk>([...beginning('Half'), { type: 'abort', reason: 'enough' }]))
    expect(result).toEqual({ reason: 'cancelled' })
    await run.end()
    expect(await readBack(run.runId)).toEqual({ status: 'cancelled', texts: ['Half'] })
  })

  it('publishes no step for a stream without chunks', async () => {
    const { alice, started } = await stage()
    const run = await started('one')
    expect(await run.pipe(streamOf([]))).toEqual({ reason: 'complete' })
    await run.end()
    await alice.hears(named('ai-run-end'))
    expect(alice.heard.map(({ name }) => name)).toEqual(['ai-input', 'ai-run-start', 'ai-run-end'])
  })

  it('skips chunks that it does not know, and deltas of streams that are not open', async () => {
    const { started, readBack } = await stage()
    const run = await started('one')
    const [start, ...rest] = textChunks(['Hi'])
    const odd = [
      { type: 'hologram' },
      { type: 'text-delta', id: 'never-opened', delta: 'x' },
    ] as unknown as UIMessageChunk[]
    expect(await run.pipe(streamOf([start!, ...odd, ...rest]))).toEqual({ reason: 'complete' })
    await run.end()
    expect((await readBack(run.runId)).texts).toEqual(['Hi'])
  })

  it('closes streams that its source left open', async () => {
    const { alice, started } = await stage()
    const run = await started('one')
    await run.pipe(streamOf(beginning('Half')))
    await run.end()
    await eventually(async () => {
      const { items } = await alice.channel.history({ limit: 100 })
      expect(items.filter(named('ai-output')).map((item) => transportOf(item).status)).toContain('cancelled')
    })
  })

  it('fails with 104003 if its start is refused permanently, and leaves nothing behind', async () => {
    const { alice, create, name } = await stage()
    const { inputEventId } = await alice.prompt('one')
    const refused = { channel: name, name: 'ai-run-start' }
    const restore = endpoint.refusePublish(refused, { error: { code: 40000, statusCode: 400 } })
    await expect(create(inputEventId).start()).rejects.toMatchObject({ code: 104003 })
    restore()
    const again = create(inputEventId)
    await again.start()
    await again.end()
  })

  it('publishes its end again if that is refused temporarily', async () => {
    const { name, started, readBack } = await stage()
    const run = await started('one')
    endpoint.refusePublish({ channel: name, name: 'ai-run-end' }, { times: 1, error: { code: 42911, statusCode: 429 } })
    await run.end()
    expect((await readBack(run.runId)).status).toBe('complete')
  })
})

describe('refused tokens', () => {
  it('are repaired at the end of the stream, and the run continues', async () => {
    const { name, session, started, readBack } = await stage()
    const errors = vi.fn<() => void>()
    session.on('error', errors)
    const run = await started('one')
    endpoint.refusePublish((message) => message.channel === name && message.data === 'two ', { times: 1 })
    expect(await run.pipe(streamOf(textChunks(['one ', 'two ', 'three'])))).toEqual({ reason: 'complete' })
    await run.end()
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['one two three'] })
    expect(errors).not.toHaveBeenCalled()
  })

  it('are reported with 104000 if they cannot be repaired, and the run continues', async () => {
    const { name, session, started, readBack } = await stage()
    const errors = vi.fn<() => void>()
    session.on('error', errors)
    const run = await started('one')
    const restore = endpoint.refusePublish(
      ({ channel, action, data }) => channel === name && (action === 'update' || data === 'two'),
    )
    expect(await run.pipe(streamOf(textChunks(['one ', 'two'])))).toEqual({ reason: 'complete' })
    restore()
    await run.pipe(streamOf(textChunks(['Again'], 'm2')))
    await run.end()
    expect(errors).toHaveBeenCalledWith(expect.objectContaining({ code: 104000 }))
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['one ', 'Again'] })
  })

  it('fail the pipe if a whole part is lost, and stop its source', async () => {
    const { name, started, readBack } = await stage()
    const run = await started('one')
    const restore = endpoint.refusePublish(
      ({ channel, data }) => channel === name && data === 'https://a.example/b.png',
    )
    const source = handFed()
    source.push(...beginning('Look: '), { type: 'file', mediaType: 'image/png', url: 'https://a.example/b.png' })
    expect(await run.pipe(source.stream)).toMatchObject({ reason: 'error', error: { code: 104008 } })
    expect(source.isStopped).toBe(true)
    restore()
    await run.end()
    expect(await readBack(run.runId)).toEqual({ status: 'error', texts: ['Look: '] })
  })

  it('are reported with the rule to enable if the namespace does not allow appends', async () => {
    const name = 'plain:trip'
    const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
    const session = createAgentSession({ client: endpoint.client({ clientId: 'agent' }), sessionName: name })
    const errors = vi.fn<() => void>()
    session.on('error', errors)
    const { inputEventId } = await alice.prompt('one')
    const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
    await run.start()
    await run.pipe(streamOf(textChunks(['one'])))
    await run.end()
    expect(errors).toHaveBeenCalledWith(
      expect.objectContaining({
        code: 93002,
        message:
          'unable to repair a stream of the answer; namespace "plain" of channel "plain:trip" does not allow updates and appends. Enable "Message annotations, updates, deletes, and appends" for "plain" under Channel rules in the Ably dashboard',
      }),
    )
  })
})

describe('the conversation that a run reads', () => {
  it('starts with the first message, for any page size', async () => {
    for (const historyPageSize of [1, 2, 3, 100]) {
      const { alice, started, name } = await stage({ historyPageSize })
      const first = await started(['Look at', 'this'])
      await first.pipe(streamOf(textChunks(['Nice'])))
      await first.end()
      const reply = transportOf(alice.heard.find(named('ai-output'))!)['codec-message-id']!
      const { inputEventId } = await alice.prompt('And now?', { parent: reply })
      // A process that has read nothing yet
      const session = createAgentSession({
        client: endpoint.client({ clientId: 'agent' }),
        sessionName: name,
        historyPageSize,
      })
      const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
      await run.start()
      expect(said(run.context())).toEqual(['user: Look at|this', 'assistant: Nice', 'user: And now?'])
    }
  })

  it('S13 contains the cancelled reply, with a note for the model', async () => {
    const { alice, started } = await stage()
    const first = await started('Plan 3 days')
    const source = handFed()
    const piping = first.pipe(source.stream)
    source.push(...beginning('Day 1'))
    const output = await alice.hears((message) => message.data === 'Day 1')
    await alice.cancel({ runId: first.runId })
    await piping
    await first.end()
    const next = await started('Make it 5 days', {}, { parent: transportOf(output)['codec-message-id']! })
    expect(said(next.context())).toEqual([
      'user: Plan 3 days',
      'assistant: Day 1|[The user stopped this answer here.]',
      'user: Make it 5 days',
    ])
    expect(next.abortSignal.aborted).toBe(false)
  })

  it('leaves out a reply that is regenerated', async () => {
    const { alice, started, create } = await stage()
    const first = await started('Tell a joke')
    await first.pipe(streamOf(textChunks(['Knock knock'])))
    await first.end()
    const output = await alice.hears(named('ai-output'))
    const target = transportOf(output)['codec-message-id']!
    const { inputEventId } = await alice.regenerate(target, first.inputId!)
    const second = create(inputEventId)
    await second.start()
    expect(said(second.context())).toEqual(['user: Tell a joke'])
    await second.pipe(streamOf(textChunks(['Another'], 'm2')))
    await second.end()
    const start = await alice.hears(named('ai-run-start', { 'run-id': second.runId }))
    expect(transportOf(start)).toMatchObject({ parent: first.inputId, 'msg-regenerate': target })
  })

  it('ends the run as an error if history cannot be read', async () => {
    const { alice, agentClient, name, session, create } = await stage()
    await session.connect()
    const { inputEventId } = await alice.prompt('two', { parent: 'some-earlier-message' })
    const history = vi.spyOn(agentClient.channels.get(name), 'history').mockRejectedValue(new Error('no history'))
    const run = create(inputEventId)
    await eventually(() => expect(session.tree.inputs.size).toBe(1))
    await expect(run.start()).rejects.toMatchObject({ code: 104011 })
    history.mockRestore()
    const end = await alice.hears(named('ai-run-end'))
    expect(transportOf(end)).toMatchObject({ 'run-reason': 'error', 'error-code': '104011' })
  })
})

describe('a session that closes', () => {
  it('ends every open run as cancelled with end()', async () => {
    const { alice, session, started, readBack } = await stage()
    const [one, two] = [await started('one'), await started('two')]
    const source = handFed()
    const piping = one.pipe(source.stream)
    source.push(...beginning('Half'))
    await alice.hears((message) => message.data === 'Half')
    await session.end()
    expect(await piping).toEqual({ reason: 'cancelled' })
    expect(source.isStopped).toBe(true)
    expect(one.abortSignal.aborted && two.abortSignal.aborted).toBe(true)
    expect(await readBack(one.runId)).toEqual({ status: 'cancelled', texts: ['Half'] })
    expect((await readBack(two.runId)).status).toBe('cancelled')
    await expect(session.connect()).rejects.toMatchObject({ code: 104004 })
  })

  it('publishes nothing with detach(), and aborts its runs', async () => {
    const { alice, session, started, readBack } = await stage()
    const errors = vi.fn<() => void>()
    session.on('error', errors)
    const run = await started('one')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Half'))
    await alice.hears((message) => message.data === 'Half')
    await session.detach()
    expect(await piping).toEqual({ reason: 'cancelled' })
    await run.end()
    expect(run.abortSignal.reason).toMatchObject({ code: 40033 })
    expect(await readBack(run.runId)).toEqual({ status: 'active', texts: ['Half'] })
    expect(errors).not.toHaveBeenCalled()
  })

  it('S42 keeps publishing while its client is disconnected, until its signal aborts', async () => {
    const { started, readBack } = await stage()
    const run = await started('one')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Still '))
    const restore = endpoint.dropConnection('alice', { refuseFor: Infinity })
    source.push(delta('here'))
    source.end()
    await piping
    await run.end()
    restore()
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['Still here'] })
    expect(run.abortSignal.aborted).toBe(false)
  })
})
