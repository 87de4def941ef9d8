import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { jsonSchema, streamText, tool, type ToolSet, type UIMessageChunk } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test'
import { beforeAll, describe, expect, it } from 'vitest'
import { outcomeOf, type AgentRun } from '../../src/agent'
import type { ChunkSource } from '../../src/agent/agent-run'
import { named, transportOf, type WireClient } from '../support/agent'
import { setStage } from '../support/agent-stage'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

type Unified = Extract<LanguageModelV4StreamPart, { type: 'finish' }>['finishReason']['unified']

const start: LanguageModelV4StreamPart = { type: 'stream-start', warnings: [] }
const text: LanguageModelV4StreamPart[] = [
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta: 'Hi' },
  { type: 'text-end', id: 't' },
]
const call: LanguageModelV4StreamPart = { type: 'tool-call', toolCallId: 'c', toolName: 'look', input: '{}' }
const finish = (unified: Unified): LanguageModelV4StreamPart => ({
  type: 'finish',
  finishReason: { unified, raw: unified },
  usage,
})

const inputSchema = jsonSchema<object>({ type: 'object' })
const elsewhere: ToolSet = { look: tool({ inputSchema }) }
const here: ToolSet = { look: tool({ inputSchema, execute: () => 'seen' }) }
const dark = async (): Promise<string> => {
  throw new Error('dark')
}
const failing: ToolSet = { look: tool({ inputSchema, execute: dark }) }
const guarded: ToolSet = { look: tool({ inputSchema, needsApproval: true, execute: () => 'seen' }) }

/** A call of the AI SDK whose model streams these parts, or throws. */
function answering(parts: LanguageModelV4StreamPart[] | Error, tools: ToolSet = {}, abortSignal?: AbortSignal) {
  const doStream = async () => {
    if (parts instanceof Error) throw parts
    return { stream: convertArrayToReadableStream([start, ...parts]) }
  }
  return streamText({
    model: new MockLanguageModelV4({ doStream }),
    prompt: 'Hello',
    tools,
    maxRetries: 0,
    onError: () => undefined,
    ...(abortSignal && { abortSignal }),
  })
}

const complete = { reason: 'complete' }
const suspend = { reason: 'suspend' }
const cancelled = { reason: 'cancelled' }
const failed = (message: string) => ({
  reason: 'error',
  error: { code: 104008, message: expect.stringContaining(message) },
})

/** Every way a model call can end, with the result of the run. */
const endings = [
  { name: 'stops', given: () => answering([...text, finish('stop')]), outcome: complete },
  { name: 'reaches its length limit', given: () => answering([...text, finish('length')]), outcome: complete },
  {
    name: 'is stopped by a content filter',
    given: () => answering([...text, finish('content-filter')]),
    outcome: complete,
  },
  { name: 'ends for another reason', given: () => answering([...text, finish('other')]), outcome: complete },
  {
    name: 'calls a tool that runs on the client',
    given: () => answering([call, finish('tool-calls')], elsewhere),
    outcome: suspend,
  },
  {
    name: 'calls a tool that needs approval',
    given: () => answering([call, finish('tool-calls')], guarded),
    outcome: suspend,
  },
  { name: 'calls a tool that has run', given: () => answering([call, finish('tool-calls')], here), outcome: complete },
  {
    name: 'calls a tool that has failed',
    given: () => answering([call, finish('tool-calls')], failing),
    outcome: complete,
  },
  {
    name: 'calls a tool that the provider runs',
    given: () => answering([{ ...call, providerExecuted: true, dynamic: true }, finish('tool-calls')]),
    outcome: complete,
  },
  {
    name: 'reports an error',
    given: () => answering([...text, { type: 'error', error: new Error('overloaded') }, finish('error')]),
    outcome: failed('overloaded'),
  },
  { name: 'finishes with an error', given: () => answering([...text, finish('error')]), outcome: failed('error') },
  { name: 'throws', given: () => answering(new Error('no connection')), outcome: failed('no connection') },
  {
    name: "is aborted by the caller's own signal",
    given: () => answering([...text, finish('stop')], {}, AbortSignal.abort()),
    outcome: cancelled,
  },
  {
    name: 'is aborted by its own timeout',
    given: () =>
      answering([...text, finish('stop')], {}, AbortSignal.abort(new DOMException('too slow', 'TimeoutError'))),
    outcome: cancelled,
  },
]

interface Ended {
  name: string
  reason?: string
}

async function endOf({ hears }: WireClient, { runId }: AgentRun<never, never>): Promise<Ended> {
  const isEnd = named('ai-run-end', { 'run-id': runId })
  const isSuspend = named('ai-run-suspend', { 'run-id': runId })
  const message = await hears((each) => isEnd(each) || isSuspend(each))
  return { name: message.name!, reason: transportOf(message)['run-reason'] }
}

const endFor = ({ reason }: { reason: string }): Ended =>
  reason === 'suspend' ? { name: 'ai-run-suspend', reason: undefined } : { name: 'ai-run-end', reason }

describe('if the model', () => {
  it.each(endings)('$name, pipe() and the run have that result', async ({ given, outcome }) => {
    const { alice, started } = await setStage(endpoint)
    const run = await started('Hello')
    expect(await run.pipe(given().toUIMessageStream({ onError: String }))).toMatchObject(outcome)
    await run.end()
    expect(await endOf(alice, run as never)).toEqual(endFor(outcome))
  })

  it.each(endings)('$name, outcomeOf() has that result', async ({ given, outcome }) => {
    const { alice, started } = await setStage(endpoint)
    const run = await started('Hello')
    const result = given()
    const piped = await run.pipe(result.toUIMessageStream({ sendFinish: false, onError: String }))
    const found = await outcomeOf(piped, result)
    expect(found).toMatchObject(outcome)
    await run.end(found)
    expect(await endOf(alice, run as never)).toEqual(endFor(outcome))
  })
})

describe('if the stream', () => {
  const streams: { name: string; given: ChunkSource<UIMessageChunk>; outcome: { reason: string } }[] = [
    { name: 'is empty', given: [], outcome: complete },
    {
      name: 'throws',
      given: (async function* () {
        yield { type: 'start' } as const
        throw new Error('socket closed')
      })(),
      outcome: failed('socket closed'),
    },
    { name: 'reports an abort', given: [{ type: 'start' }, { type: 'abort' }], outcome: cancelled },
    {
      name: 'reports an error',
      given: [{ type: 'error', errorText: 'no' }, { type: 'finish' }],
      outcome: failed('no'),
    },
  ]

  it.each(streams)('$name, pipe() and the run have that result', async ({ given, outcome }) => {
    const { alice, started } = await setStage(endpoint)
    const run = await started('Hello')
    expect(await run.pipe(given)).toMatchObject(outcome)
    await run.end()
    expect(await endOf(alice, run as never)).toEqual(endFor(outcome))
  })

  it('is stopped by a cancel, pipe() and the run have that result', async () => {
    const { alice, started } = await setStage(endpoint)
    const run = await started('Hello')
    const piping = run.pipe(new ReadableStream())
    await alice.cancel({ runId: run.runId })
    expect(await piping).toEqual(cancelled)
    await run.end()
    expect(await endOf(alice, run as never)).toEqual(endFor(cancelled))
  })
})

describe('outcomeOf', () => {
  const piped = { reason: 'complete' } as const

  it('suspends the run if the model stopped for tool calls without results', async () => {
    expect(await outcomeOf(piped, { finishReason: Promise.resolve('tool-calls') })).toEqual(suspend)
  })

  it('treats a finish that rejects with an abort as a cancel, and any other rejection as an error', async () => {
    const aborted = Promise.reject(new DOMException('stopped', 'AbortError'))
    expect(await outcomeOf(piped, { finishReason: aborted })).toEqual(cancelled)
    const broken = Promise.reject(new Error('no output'))
    expect(await outcomeOf(piped, { finishReason: broken })).toMatchObject(failed('no output'))
  })

  it('keeps the result of a pipe that did not complete', async () => {
    const finishReason = Promise.resolve('stop')
    expect(await outcomeOf({ reason: 'cancelled' }, { finishReason })).toEqual(cancelled)
  })
})
