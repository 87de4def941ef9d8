import type * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAgentSession, Invocation, type AgentRun, type RunHooks } from '../../src/agent'
import { handFed, joinWire, named, streamOf, textChunks, transportOf, type WireClient } from '../support/agent'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { readTranscript, withoutAdditions, withPresence } from '../support/transcripts'

/** One operation of the agent on the channel. */
interface Done {
  action: string
  name?: string
  data: unknown
  extras: unknown
}

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

describe('the agent publishes the same as the peer for the same chunks', () => {
  it('in a text reply', async () => {
    const stage = await stageOf('text-simple')
    await stage.run.pipe(streamOf(textChunks(['Hi', ' there', '!'])))
    await stage.run.end()
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('with reasoning and its metadata', async () => {
    const stage = await stageOf('reasoning-text')
    await stage.run.pipe(
      streamOf<UIMessageChunk>([
        { type: 'start', messageId: 'm1' },
        { type: 'start-step' },
        { type: 'reasoning-start', id: 'r1', providerMetadata: { acme: { sig: 'abc' } } },
        { type: 'reasoning-delta', id: 'r1', delta: 'Rayleigh' },
        { type: 'reasoning-delta', id: 'r1', delta: ' scattering.' },
        { type: 'reasoning-end', id: 'r1', providerMetadata: { acme: { sig: 'end' } } },
        ...textChunks(['Because of', ' scattering.']).slice(2),
      ]),
    )
    await stage.run.end()
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('for a client without a client id', async () => {
    const stage = await stageOf('anonymous-client', {}, null)
    await stage.run.pipe(streamOf(textChunks(['No idea.'])))
    await stage.run.end()
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('with data parts, some of them transient', async () => {
    const stage = await stageOf('data-parts')
    const [start, startStep, ...text] = textChunks(['Plotted.'])
    await stage.run.pipe(
      streamOf<UIMessageChunk>([
        start!,
        startStep!,
        { type: 'data-status', id: 's1', data: { step: 1 } },
        { type: 'data-note', data: 'no id' },
        { type: 'data-progress', data: { pct: 10 }, transient: true },
        { type: 'data-status', id: 's1', data: { step: 2 } },
        { type: 'data-note', data: 'again no id' },
        { type: 'data-progress', id: 'p', data: { pct: 90 }, transient: true },
        ...text,
      ]),
    )
    await stage.run.end()
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('S29 of a run that is cancelled in mid-stream, with the tokens between cancel and abort', async () => {
    const source = handFed()
    const stage = await stageOf('cancel-mid-stream', {
      async onCancel() {
        source.push({ type: 'text-delta', id: 't1', delta: 'a ' }, { type: 'text-delta', id: 't1', delta: 'time' })
        await expect.poll(() => source.taken).toBe(7)
      },
    })
    const [start, startStep, textStart] = textChunks([])
    source.push(start!, startStep!, textStart!)
    source.push({ type: 'text-delta', id: 't1', delta: 'Once ' }, { type: 'text-delta', id: 't1', delta: 'upon ' })
    const piped = stage.run.pipe(source.stream)
    await expect.poll(() => stage.done.length).toBe(7)
    await stage.publishRecorded('ai-cancel')
    expect(await piped).toEqual({ reason: 'cancelled' })
    await stage.run.end()
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('S8 S39 of a run that is cancelled before it started', async () => {
    const stage = await stageOf('cancel-before-run-start')
    expect(await stage.run.pipe(streamOf(textChunks(['never'])))).toEqual({ reason: 'cancelled' })
    await stage.run.end()
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('of a stream that reports an error, and a run that ends with a code', async () => {
    const stage = await stageOf('run-error')
    const [start, startStep, textStart] = textChunks([])
    const result = await stage.run.pipe(
      streamOf<UIMessageChunk>([
        start!,
        startStep!,
        textStart!,
        { type: 'text-delta', id: 't1', delta: 'Half an ans' },
        { type: 'error', errorText: 'model overloaded' },
      ]),
    )
    expect(result).toMatchObject({ reason: 'error', error: { message: 'model overloaded' } })
    await stage.run.end({ reason: 'error', error: { code: 42910, message: 'model overloaded' } })
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('with two pipes: a step and a message each', async () => {
    const stage = await stageOf('two-pipes', {}, 'alice', 'run-1')
    await stage.run.pipe(streamOf(textChunks(['First part.'])))
    await stage.run.pipe(streamOf(textChunks(['Second part.'], 'm2')))
    await stage.run.end()
    expect(stage.published()).toEqual(stage.recorded)
  })

  it('of a source that throws, except for the stream, which is closed', async () => {
    const stage = await stageOf('pipe-source-throws')
    const source = handFed()
    const [start, startStep, textStart] = textChunks([])
    source.push(start!, startStep!, textStart!, { type: 'text-delta', id: 't1', delta: 'abc' })
    source.fail(new Error('socket closed'))
    expect(await stage.run.pipe(source.stream)).toMatchObject({ reason: 'error', error: { code: 104008 } })
    await stage.run.end({ reason: 'error', error: { code: 104008, message: stage.failure! } })
    const [closing] = stage.done.splice(6, 1)
    expect(closing).toMatchObject({ action: 'append', data: '' })
    expect(transportOf(closing!).status).toBe('cancelled')
    expect(stage.published()).toEqual(stage.recorded)
  })
})

interface Stage {
  run: AgentRun<UIMessage, UIMessageChunk>
  alice: WireClient
  done: Done[]
  /** The messages of the peer. */
  recorded: unknown
  /** Our messages. */
  published(): unknown
  failure: string | undefined
  publishRecorded(name: string): Promise<void>
}

/** A run with the ids of a recording, started by the recorded input; an earlier cancel is published first. */
async function stageOf(
  name: string,
  hooks: RunHooks<UIMessageChunk> = {},
  clientId: string | null = 'alice',
  runId?: string,
): Promise<Stage> {
  const { wire } = readTranscript(name)
  const sessionName = `ai:${name}`
  const start = wire.find((message) => message.name === 'ai-run-start')!
  const ids = transportOf(start)
  const alice = await joinWire(endpoint.client(clientId ? { clientId } : {}), sessionName)
  const publish = async ({ name: kind, data, extras }: (typeof wire)[number]) =>
    void (await alice.channel.publish({ name: kind, data, extras }))
  for (const message of wire.slice(0, wire.indexOf(start))) await publish(message)

  const client = endpoint.client({ clientId: 'agent-1' })
  const done = observe(client.channels.get(sessionName))
  const session = createAgentSession({ client, sessionName, maxRate: Infinity })
  const inputEventId = transportOf(wire[0]!)['event-id']
  const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName }), {
    runId: ids['run-id'],
    invocationId: ids['invocation-id'],
    ...hooks,
  })
  await run.start()
  await alice.hears(named('ai-run-start'))
  const recorded = wire
    .filter((message) => message.clientId === 'agent-1')
    .filter((message) => runId === undefined || transportOf(message)['run-id'] === runId)
    .map((message) => withPresence(doneOf(message)))
  return {
    run,
    alice,
    done,
    recorded: normal(recorded),
    failure: transportOf(recorded.at(-1)!)['error-message'],
    publishRecorded: (kind) => publish(wire.find((message) => message.name === kind)!),
    published: () => normal(done.map(withoutAdditions)),
  }
}

/** Records the publishes on a channel. */
function observe(channel: Ably.RealtimeChannel): Done[] {
  const done: Done[] = []
  const publish = channel.publish.bind(channel) as (messages: Ably.Message[]) => Promise<Ably.PublishResult>
  channel.publish = ((messages: Ably.Message[]) => {
    for (const { name, data, extras } of messages) done.push({ action: 'create', name, data, extras })
    return publish(messages)
  }) as typeof channel.publish
  const append = channel.appendMessage.bind(channel)
  channel.appendMessage = (message, ...rest) => {
    done.push({ action: 'append', data: message.data, extras: message.extras })
    return append(message, ...rest)
  }
  return done
}

const doneOf = ({
  action,
  name,
  data,
  extras,
}: Ably.InboundMessage | ReturnType<typeof readTranscript>['wire'][number]): Done => ({
  action: action!.replace('message.', ''),
  ...(name !== undefined && { name }),
  data,
  extras,
})

/** Ids of messages and serials of steps differ between runs, so the first one becomes 1, and so on. */
function normal(done: readonly Done[]): unknown {
  const numbers = new Map<string, number>()
  const number = (value: string) => numbers.get(value) ?? numbers.set(value, numbers.size + 1).get(value)
  return done.map(({ action, name, data, extras }) => {
    const copy = structuredClone(extras) as {
      ai: { transport: Record<string, unknown>; codec?: Record<string, unknown> }
    }
    const { transport } = copy.ai
    for (const header of ['codec-message-id', 'step-start-serial']) {
      if (typeof transport[header] === 'string') transport[header] = number(transport[header])
    }
    return { action, name, data: data ?? undefined, extras: copy }
  })
}
