import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { convertToModelMessages, streamText } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createAgentSession, Invocation, ownerOnly, type CancelRequest } from '../../src/agent'
import { handFed, joinWire, named, textChunks, transportOf } from '../support/agent'
import { beginning, delta, setStage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const stage = (options?: Parameters<typeof setStage>[1]) => setStage(endpoint, options)

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })

/** A model stream that fails with the signal's reason, like one that comes from `fetch`. */
function untilAborted<T>(stream: ReadableStream<T>, signal: AbortSignal, stopped: () => void): ReadableStream<T> {
  const transform = new TransformStream<T, T>({
    start(controller) {
      signal.addEventListener('abort', () => {
        stopped()
        controller.error(signal.reason)
      })
    },
  })
  void stream.pipeTo(transform.writable).catch(() => undefined)
  return transform.readable
}

/** A model that only an abort ends. */
async function* endlessWords(): AsyncGenerator<LanguageModelV4StreamPart, never> {
  yield { type: 'stream-start', warnings: [] }
  yield { type: 'text-start', id: 't' }
  for (let count = 0; ; count++) {
    yield { type: 'text-delta', id: 't', delta: `${count} ` }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('a cancel on the channel', () => {
  it('S20 S47 aborts abortSignal; the agent receives it from the channel itself', async () => {
    const { alice, started } = await stage()
    const run = await started('one')
    expect(run.abortSignal.aborted).toBe(false)
    await alice.cancel({ runId: run.runId })
    await aborted(run.abortSignal)
    expect(run.abortSignal.reason).toMatchObject({ name: 'AbortError', code: 40033 })
  })

  it('aborts before other listeners of the channel hear of it, unless a hook decides', async () => {
    const { name, agentClient, alice, started } = await stage()
    const plain = await started('one')
    const hooked = await started('two', { onCancel: () => true })
    const heard: boolean[] = []
    await agentClient.channels.get(name).subscribe('ai-cancel', () => {
      heard.push(plain.abortSignal.aborted, hooked.abortSignal.aborted)
    })
    await alice.cancel({ runId: plain.runId })
    await alice.cancel({ runId: hooked.runId })
    await aborted(hooked.abortSignal)
    expect(heard).toEqual([true, false, true, false])
  })

  it('S11 S12 S39 stops and closes the stream, and the run ends as cancelled', async () => {
    const { alice, started, readBack } = await stage()
    const run = await started('one')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Half'))
    await alice.hears((message) => message.data === 'Half')
    await alice.cancel({ runId: run.runId })
    // The source sends no more chunks, and ignores the signal
    expect(await piping).toEqual({ reason: 'cancelled' })
    expect(source.isStopped).toBe(true)
    source.push(delta(' too late'))
    await run.end()
    expect(await readBack(run.runId)).toEqual({ status: 'cancelled', texts: ['Half'] })
    const { items } = await alice.channel.history({ limit: 100 })
    const ends = items.filter(({ name }) => name !== 'ai-input').map((item) => transportOf(item))
    expect(ends.find((headers) => headers['step-reason'])?.['step-reason']).toBe('cancelled')
    expect(ends.find((headers) => headers['stream-id'])?.status).toBe('cancelled')
  })

  it('S21 stops the model that uses the signal', async () => {
    const { alice, started, readBack } = await stage()
    const run = await started('Count')
    let isModelStopped = false
    const onAbort = vi.fn<() => void>()
    const onError = vi.fn<() => void>()
    const model = new MockLanguageModelV4({
      doStream: ({ abortSignal }) => {
        const parts = endlessWords()
        const words = new ReadableStream<LanguageModelV4StreamPart>({
          pull: async (controller) => controller.enqueue((await parts.next()).value),
        })
        return Promise.resolve({ stream: untilAborted(words, abortSignal!, () => (isModelStopped = true)) })
      },
    })
    const messages = await convertToModelMessages(run.context())
    const result = streamText({ model, messages, abortSignal: run.abortSignal, onAbort, onError })
    const piping = run.pipe(result.toUIMessageStream())
    await alice.hears((message) => message.action === 'message.append')
    await alice.cancel({ runId: run.runId })
    expect(await piping).toEqual({ reason: 'cancelled' })
    await run.end()
    await eventually(() => expect(onAbort).toHaveBeenCalled())
    expect(isModelStopped).toBe(true)
    expect(onError).not.toHaveBeenCalled()
    const { status, texts } = await readBack(run.runId)
    expect(status).toBe('cancelled')
    expect(texts[0]).toMatch(/^0 /)
  })

  it('S44 stops only the run that it names', async () => {
    const { alice, started, readBack } = await stage()
    const runs = await Promise.all(['one', 'two', 'three'].map((text) => started(text)))
    const sources = runs.map(() => handFed())
    const pipes = runs.map((run, index) => run.pipe(sources[index]!.stream))
    sources.forEach((source, index) => source.push(...beginning(`Answer ${index}`)))
    await alice.cancel({ runId: runs[1]!.runId })
    expect(await pipes[1]).toEqual({ reason: 'cancelled' })
    for (const source of sources) {
      source.push(delta(' goes on'))
      source.end()
    }
    expect(await Promise.all(pipes)).toEqual([{ reason: 'complete' }, { reason: 'cancelled' }, { reason: 'complete' }])
    await Promise.all(runs.map((run) => run.end()))
    expect((await readBack(runs[0]!.runId)).texts).toEqual(['Answer 0 goes on'])
    expect(await readBack(runs[1]!.runId)).toMatchObject({ status: 'cancelled' })
    expect((await readBack(runs[2]!.runId)).texts).toEqual(['Answer 2 goes on'])
  })

  it('S13 S30 S43 leaves the next run untouched, whatever tokens of the cancelled run still arrive', async () => {
    const { alice, started, readBack } = await stage()
    const old = await started('one', {
      onCancelled: async (write) => {
        for (let n = 0; n < 20; n++) await write(delta(' tail'))
      },
    })
    const source = handFed()
    const piping = old.pipe(source.stream)
    source.push(...beginning('Old'))
    await alice.hears((message) => message.data === 'Old')
    await alice.cancel({ runId: old.runId })
    const next = await started('two')
    expect(next.abortSignal.aborted).toBe(false)
    const nextSource = handFed()
    const nextPiping = next.pipe(nextSource.stream)
    nextSource.push(...textChunks(['New']))
    nextSource.end()
    expect(await Promise.all([piping, nextPiping])).toEqual([{ reason: 'cancelled' }, { reason: 'complete' }])
    await Promise.all([old.end(), next.end()])
    expect(await readBack(old.runId)).toEqual({ status: 'cancelled', texts: [`Old${' tail'.repeat(20)}`] })
    expect(await readBack(next.runId)).toEqual({ status: 'complete', texts: ['New'] })
  })

  it('S8 applies if it names a prompt whose run has not started', async () => {
    const { alice, create, session, readBack } = await stage()
    await session.connect()
    const { inputId, inputEventId } = await alice.prompt('Never mind')
    await alice.cancel({ inputId })
    await eventually(() => expect(session.tree.cancels.naming(inputId)).toHaveLength(1))
    const run = create(inputEventId)
    await run.start()
    expect(run.abortSignal.aborted).toBe(true)
    await run.end()
    expect(await readBack(run.runId)).toEqual({ status: 'cancelled', texts: [] })
  })

  it('S8 applies if both were published before the agent attached', async () => {
    const { alice, create } = await stage({ historyPageSize: 1 })
    const { inputId, inputEventId } = await alice.prompt('Never mind')
    await alice.cancel({ inputId })
    await alice.prompt('Something else')
    const run = create(inputEventId)
    await run.start()
    expect(run.abortSignal.aborted).toBe(true)
  })

  it('S8 applies while the run waits for its first token', async () => {
    const { alice, started, readBack } = await stage()
    const run = await started('one')
    const piping = run.pipe(handFed().stream)
    await alice.cancel({ inputId: run.inputId! })
    expect(await piping).toEqual({ reason: 'cancelled' })
    await run.end()
    expect(alice.heard.some(named('ai-step-start'))).toBe(false)
    expect(await readBack(run.runId)).toEqual({ status: 'cancelled', texts: [] })
  })

  it('S32 ends the run as cancelled even if its work completes', async () => {
    const { alice, started, readBack } = await stage()
    const run = await started('one')
    await alice.cancel({ runId: run.runId })
    await aborted(run.abortSignal)
    await run.end({ reason: 'complete' })
    expect((await readBack(run.runId)).status).toBe('cancelled')
  })

  it('does nothing if it names another run, another prompt, or neither', async () => {
    const { alice, session, started } = await stage()
    const run = await started('one')
    await alice.cancel({ runId: 'another-run' })
    // The run id decides if both are named
    await alice.cancel({ runId: 'another-run', inputId: run.inputId! })
    await alice.cancel({ inputId: 'another-prompt' })
    await alice.cancel({})
    await alice.prompt('after them')
    await eventually(() => expect(session.tree.inputs.size).toBe(2))
    expect(run.abortSignal.aborted).toBe(false)
  })

  it('does nothing if it is older than the prompt', async () => {
    const { alice, started } = await stage()
    await alice.cancel({ runId: 'my-run' })
    const run = await started('one', { runId: 'my-run' })
    expect(run.abortSignal.aborted).toBe(false)
  })

  it('is found in history if the connection lost continuity, and the run continues until then', async () => {
    const { alice, name, session, started, agentClient } = await stage()
    const errors = vi.fn<() => void>()
    session.on('error', errors)
    const [stopped, other] = [await started('one'), await started('two')]
    const restore = endpoint.dropConnection('agent', { refuseFor: Infinity })
    await agentClient.connection.whenState('disconnected')
    await alice.cancel({ runId: stopped.runId })
    endpoint.breakContinuity(name)
    expect(stopped.abortSignal.aborted).toBe(false)
    restore()
    agentClient.connection.connect()
    await aborted(stopped.abortSignal)
    expect(other.abortSignal.aborted).toBe(false)
    expect(errors).not.toHaveBeenCalled()
  })
})

describe('onCancel', () => {
  it("S48 S54 gets the client and the run's owner, verified by Ably, and decides", async () => {
    const { alice, name, started } = await stage()
    const mallory = await joinWire(endpoint.client({ clientId: 'mallory' }), name)
    const asked: CancelRequest[] = []
    const run = await started('one', {
      onCancel(request) {
        asked.push(request)
        return ownerOnly(request)
      },
    })
    await mallory.cancel({ runId: run.runId })
    await eventually(() => expect(asked).toHaveLength(1))
    expect(run.abortSignal.aborted).toBe(false)
    await alice.cancel({ runId: run.runId })
    await aborted(run.abortSignal)
    expect(asked).toMatchObject([
      {
        runId: run.runId,
        clientId: 'mallory',
        ownerClientId: 'alice',
        message: { name: 'ai-cancel', clientId: 'mallory' },
      },
      { runId: run.runId, clientId: 'alice', ownerClientId: 'alice' },
    ])
  })

  it('S48 ignores an owner that the prompt claims in its headers', async () => {
    const { name, started } = await stage()
    const mallory = await joinWire(endpoint.client({ clientId: 'mallory' }), name)
    const asked: CancelRequest[] = []
    const note = (request: CancelRequest) => (asked.push(request), ownerOnly(request))
    const run = await started('one', { onCancel: note }, { 'run-client-id': 'mallory' })
    await mallory.cancel({ runId: run.runId })
    await eventually(() => expect(asked).toHaveLength(1))
    expect(run.abortSignal.aborted).toBe(false)
    const start = await mallory.hears(named('ai-run-start'))
    expect(transportOf(start)).toMatchObject({ 'run-client-id': 'alice', 'input-client-id': 'alice' })
  })

  it('S54 ownerOnly refuses clients without a client id', async () => {
    const name = 'ai:anonymous'
    const nobody = await joinWire(endpoint.client(), name)
    const session = createAgentSession({ client: endpoint.client({ clientId: 'agent' }), sessionName: name })
    const { inputEventId } = await nobody.prompt('one')
    const verdicts: boolean[] = []
    const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }), {
      onCancel(request) {
        verdicts.push(ownerOnly(request))
        return verdicts.at(-1)
      },
    })
    await run.start()
    await nobody.cancel({ runId: run.runId })
    await eventually(() => expect(verdicts).toEqual([false]))
    expect(run.abortSignal.aborted).toBe(false)
  })

  it('S54 that throws ignores the cancel, and is reported with 104002', async () => {
    const { alice, session, started } = await stage()
    const errors = vi.fn<() => void>()
    session.on('error', errors)
    const run = await started('one', {
      onCancel: () => {
        throw new Error('no database')
      },
    })
    await alice.cancel({ runId: run.runId })
    await eventually(() => expect(errors).toHaveBeenCalledWith(expect.objectContaining({ code: 104002 })))
    expect(run.abortSignal.aborted).toBe(false)
  })

  it('S8 is called before the run starts for an earlier cancel', async () => {
    const { alice, create } = await stage()
    const { inputId, inputEventId } = await alice.prompt('one')
    await alice.cancel({ inputId })
    const onCancel = vi.fn<() => Promise<boolean>>(async () => false)
    const run = create(inputEventId, { onCancel })
    await run.start()
    expect(onCancel).toHaveBeenCalledTimes(1)
    expect(run.abortSignal.aborted).toBe(false)
  })
})

describe('onCancelled', () => {
  it('can publish last chunks in the open stream or beside it', async () => {
    const { alice, started, readBack } = await stage()
    const run = await started('one', {
      onCancelled: async (write) => {
        await write(delta(' …'))
        await write({ type: 'data-stopped', data: true })
      },
    })
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Half'))
    await alice.hears((message) => message.data === 'Half')
    await alice.cancel({ runId: run.runId })
    await piping
    await run.end()
    expect((await readBack(run.runId)).texts).toEqual(['Half …'])
    await alice.hears((message) => message.data === true)
  })

  it('is reported if it throws, and the run still ends', async () => {
    const { alice, session, started, readBack } = await stage()
    const errors = vi.fn<() => void>()
    session.on('error', errors)
    const run = await started('one', {
      onCancelled: () => {
        throw new Error('speechless')
      },
    })
    const piping = run.pipe(handFed().stream)
    await alice.cancel({ runId: run.runId })
    expect(await piping).toEqual({ reason: 'cancelled' })
    await run.end()
    expect(errors).toHaveBeenCalledWith(expect.objectContaining({ code: 104002 }))
    expect((await readBack(run.runId)).status).toBe('cancelled')
  })
})

describe('the signal given to a run', () => {
  it('stops the run like a cancel', async () => {
    const { started, readBack } = await stage()
    const controller = new AbortController()
    const run = await started('one', { signal: controller.signal })
    const piping = run.pipe(handFed().stream)
    controller.abort('time is up')
    expect(await piping).toEqual({ reason: 'cancelled' })
    expect(run.abortSignal.reason).toMatchObject({ code: 40033, cause: 'time is up' })
    await run.end()
    expect((await readBack(run.runId)).status).toBe('cancelled')
  })

  it('keeps a run from starting if it has aborted: nothing is published', async () => {
    const { alice, create } = await stage()
    const { inputEventId } = await alice.prompt('one')
    await expect(create(inputEventId, { signal: AbortSignal.abort() }).start()).rejects.toMatchObject({ code: 40033 })
    const controller = new AbortController()
    const waiting = create('not-yet', { signal: controller.signal }).start()
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 40033 })
    await alice.prompt('two')
    await alice.hears((message) => message.data === 'two')
    expect(alice.heard.every(({ name }) => name === 'ai-input')).toBe(true)
  })
})
