import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { convertToModelMessages, stepCountIs, streamText, tool, type UIMessage, type UIMessageChunk } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { defineAgent, type AgentOptions, type AgentRun } from '../../src/agent'
import { joinWire, named, streamOf, textChunks, transportOf } from '../support/agent'
import { beginning, delta } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})
afterEach(() => vi.unstubAllEnvs())

type Run = AgentRun<UIMessage, UIMessageChunk>

let count = 0

/** A request to an agent, and its run until it ends. */
async function stage(respond: (run: Run) => unknown, options: Partial<AgentOptions<UIMessage, UIMessageChunk>> = {}) {
  const name = `ai:hooks-${++count}`
  const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
  const errors: unknown[] = []
  const client = () => endpoint.client({ clientId: 'agent' })
  const agent = defineAgent({ client, authorize: () => true, onError: (e) => errors.push(e), respond, ...options })
  const { inputEventId } = await alice.prompt('Hello')
  const body = JSON.stringify({ inputEventId, sessionName: name })
  const headers = { 'content-type': 'application/json' }
  const response = await agent.fetch(new Request('http://agent.test/', { method: 'POST', headers, body }))
  const { runId } = (await response.json()) as { runId: string }
  const end = async () => transportOf(await alice.hears(named('ai-run-end', { 'run-id': runId })))
  return { alice, runId, errors, end }
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** A model that streams these parts and then waits until it is aborted, like one behind `fetch`. */
const hanging = (...parts: LanguageModelV4StreamPart[]) =>
  new MockLanguageModelV4({
    doStream: ({ abortSignal }) =>
      Promise.resolve({
        stream: new ReadableStream<LanguageModelV4StreamPart>({
          start(controller) {
            controller.enqueue({ type: 'stream-start', warnings: [] })
            for (const part of parts) controller.enqueue(part)
            abortSignal!.addEventListener('abort', () => controller.error(abortSignal!.reason))
          },
        }),
      }),
  })

describe('after a cancel', () => {
  it('the callbacks of the AI SDK are called, and its metadata is kept', async () => {
    const heard: string[] = []
    const model = hanging({ type: 'text-start', id: 't' }, { type: 'text-delta', id: 't', delta: 'Half' })
    const { alice, runId, end, errors } = await stage(async (run) => {
      const messages = await convertToModelMessages(run.context())
      const onAbort = () => void heard.push('onAbort')
      const result = streamText({ model, messages, abortSignal: run.abortSignal, onAbort, onError() {} })
      const stream = result.toUIMessageStream({
        onFinish: ({ isAborted }) => void heard.push(`onFinish ${isAborted}`),
        messageMetadata: ({ part }) => (part.type === 'abort' ? { wasStopped: true } : undefined),
      })
      await run.pipe(stream)
    })
    await alice.hears((message) => message.action === 'message.append')
    await alice.cancel({ runId })
    expect(await end()).toMatchObject({ 'run-reason': 'cancelled' })
    expect(heard.toSorted()).toEqual(['onAbort', 'onFinish true'])
    const metadata = alice.heard.find((message) => JSON.stringify(message.extras).includes('wasStopped'))
    expect(metadata).toBeDefined()
    expect(errors).toEqual([])
  })

  it('a running tool is aborted, too', async () => {
    const heard: string[] = []
    let isRunning = false
    const execute = (_: unknown, { abortSignal }: { abortSignal?: AbortSignal }) =>
      new Promise<string>((_resolve, reject) => {
        isRunning = true
        abortSignal!.addEventListener('abort', () => {
          heard.push('tool')
          reject(abortSignal!.reason as Error)
        })
      })
    const call = { type: 'tool-call', toolCallId: 'c', toolName: 'look', input: '{}' } as const
    const finishReason = { unified: 'tool-calls', raw: 'tool-calls' } as const
    const model = hanging(call, { type: 'finish', finishReason, usage })
    const { alice, runId, end } = await stage(async (run) => {
      const tools = { look: tool({ inputSchema: jsonObject, execute }) }
      const messages = await convertToModelMessages(run.context())
      const result = streamText({ model, messages, tools, abortSignal: run.abortSignal, stopWhen: stepCountIs(2), onError() {} }) // prettier-ignore
      await run.pipe(
        result.toUIMessageStream({ onFinish: ({ isAborted }) => void heard.push(`onFinish ${isAborted}`) }),
      )
    })
    await eventually(() => expect(isRunning).toBe(true))
    await alice.cancel({ runId })
    expect(await end()).toMatchObject({ 'run-reason': 'cancelled' })
    expect(heard).toEqual(['tool', 'onFinish true'])
  })

  it('later text is withheld, and a model that ignores the cancel does not delay the end', async () => {
    const ignoring = { isOver: false }
    async function* words(): AsyncGenerator<UIMessageChunk> {
      yield* beginning('Half')
      while (!ignoring.isOver) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        yield delta(' more')
      }
    }
    const { alice, runId, end } = await stage((run) => run.pipe(words()))
    await alice.hears((message) => message.data === 'Half')
    await alice.cancel({ runId })
    await end()
    ignoring.isOver = true
    const count = alice.heard.filter(
      (message) => message.name === undefined || message.action === 'message.append',
    ).length
    await alice.prompt('One more')
    expect(alice.heard.filter((message) => message.action === 'message.append')).toHaveLength(count)
  })

  it('a source that never waits does not delay the end either', async () => {
    let taken = 0
    function* endless(): Generator<UIMessageChunk> {
      yield* beginning('Half')
      while (true) yield { type: 'data-note', data: ++taken, transient: true }
    }
    const { alice, runId, end } = await stage((run) => run.pipe(endless()), { maxRate: 1000 })
    await alice.hears((message) => message.data === 'Half')
    await alice.cancel({ runId })
    expect(await end()).toMatchObject({ 'run-reason': 'cancelled' })
  })
})

const jsonObject = {
  [Symbol.for('vercel.ai.schema')]: true,
  jsonSchema: { type: 'object', properties: {} },
  validate: (value: unknown) => ({ success: true, value }),
} as never

describe('a stream that fails', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  const locked = () => {
    const stream = new ReadableStream<UIMessageChunk>()
    stream.getReader()
    return stream
  }
  async function* throwing(): AsyncGenerator<UIMessageChunk> {
    yield* beginning('Half')
    throw new Error('secret of the server')
  }

  it.each<[string, () => Parameters<Run['pipe']>[0]]>([
    ['throws', throwing],
    ['throws undefined', () => new ReadableStream({ start: (controller) => controller.error(undefined) })],
    ['has circular data', () => [{ type: 'data-note', data: circular }]],
    ['has a BigInt', () => [{ type: 'data-note', data: 1n }]],
    ['contains a null chunk', () => [null as unknown as UIMessageChunk]],
    ['is locked', locked],
  ])('is reported to onError once if it %s, and ends the run with an error', async (_, source) => {
    const { end, errors } = await stage((run) => run.pipe(source()))
    expect(await end()).toMatchObject({ 'run-reason': 'error' })
    expect(errors).toHaveLength(1)
  })

  const noStream =
    'unable to stream the answer; pipe() takes a stream of chunks, as in run.pipe(result.toUIMessageStream())'
  const noChunks = (what: string) =>
    `unable to stream the answer; the stream has ${what}, so it is no stream of UIMessageChunk: pipe result.toUIMessageStream()`

  it.each<[string, unknown, string]>([
    ['nothing', undefined, noStream],
    ['a text', 'Hello', noStream],
    ["a model's result", { textStream: [], finishReason: Promise.resolve('stop') }, noStream],
    ['a promise of a stream', Promise.resolve([]), noStream],
    ['a response', new Response('Hello'), noStream],
    ['a stream of text', ['Hel', 'lo'], noChunks('a value without a type')],
    ['a stream of bytes', new Response('Hello').body, noChunks('a value without a type')],
    ["a stream of a model's parts", [{ type: 'text-start', id: 't' }, { type: 'text-delta', id: 't', text: 'Hello' }], noChunks('a text-delta without "delta"')],
  ])('ends the run with an error that says what is taken, if it is %s', async (_, source, message) => {
    const { end, errors } = await stage((run) => run.pipe(source as Parameters<Run['pipe']>[0]))
    expect(await end()).toMatchObject({ 'run-reason': 'error', 'error-message': message })
    expect(errors).toEqual([expect.objectContaining({ message })])
  }) // prettier-ignore

  it('is missed once in development if `respond` pipes none and does not end its run', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    const warning = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await (await stage((run) => run.end())).end()
    const told = () => warning.mock.calls.flat().filter((text) => String(text).includes('respond()'))
    expect(told()).toEqual([])
    const forgetful = (): void => undefined
    await (await stage(forgetful)).end()
    await (await stage(forgetful)).end()
    expect(told()).toEqual([
      '[vue-ai-transport] respond() has neither piped a stream nor ended its run, so the answer is empty: call await run.pipe(result.toUIMessageStream()), or await run.end() if no answer is meant.',
    ])
  })

  it('is reported to onError once if the agent throws the error again', async () => {
    const { end, errors } = await stage(async (run) => {
      const { error } = await run.pipe(throwing())
      throw error!
    })
    expect(await end()).toMatchObject({ 'run-reason': 'error' })
    expect(errors).toHaveLength(1)
  })

  it.each([
    ['development', 'unable to stream the answer; secret of the server'],
    ['production', 'The agent failed'],
  ])('shows clients this text in %s', async (mode, text) => {
    vi.stubEnv('NODE_ENV', mode)
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { end } = await stage((run) => run.pipe(throwing()))
    expect(await end()).toMatchObject({ 'error-message': text })
  })

  it('shows clients the text of errorText, whether the stream or the agent throws', async () => {
    const errorText = (error: unknown) => `Sorry (${(error as Error).message.length})`
    const piped = await stage((run) => run.pipe(throwing()), { errorText })
    expect(await piped.end()).toMatchObject({ 'error-message': 'Sorry (20)' })
    const thrown = await stage(() => Promise.reject(new Error('secret of the server')), { errorText })
    expect(await thrown.end()).toMatchObject({ 'error-message': 'Sorry (20)' })
  })

  it('shows clients that the agent failed if errorText returns no text', async () => {
    const errorText = () => undefined as unknown as string
    const { end } = await stage((run) => run.pipe(throwing()), { errorText })
    expect(await end()).toMatchObject({ 'error-message': 'The agent failed' })
  })

  it('shows clients the error that the agent ends the run with, unchanged', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { end } = await stage((run) => run.end({ reason: 'error', error: { message: 'Out of credits', code: 402 } }))
    expect(await end()).toMatchObject({ 'error-message': 'Out of credits', 'error-code': '402' })
  })
})

describe('an agent that does not await its pipe', () => {
  it('ends after its pipes, also if it pipes again', async () => {
    const { end, alice } = await stage((run) => {
      void run.pipe(streamOf(textChunks(['One']))).then(() => run.pipe(streamOf(textChunks(['Two'], 'm2'))))
    })
    expect(await end()).toMatchObject({ 'run-reason': 'complete' })
    await eventually(() => {
      const texts = alice.heard.map((message) => String(message.data))
      expect(texts).toEqual(expect.arrayContaining(['One', 'Two']))
    })
  })
})
