import { setTimeout as sleep } from 'node:timers/promises'
import type { UIMessage } from 'ai'
import { jsonSchema, simulateReadableStream, stepCountIs, streamText, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { beforeAll, describe, expect, it } from 'vitest'
import { ownerOnly } from '../../src/agent'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { joinWire, named, transportOf, type WireClient } from '../support/agent'
import { beginning } from '../support/agent-stage'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { wokenAgent, type Run } from '../support/woken-agent'
import { eventually } from '../support/eventually'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const stage = (options?: Parameters<typeof wokenAgent>[1]) => wokenAgent(endpoint, options)

describe('a cancel that onCancel refuses', () => {
  const infoOf = ({ heard }: WireClient, runId: string) => {
    const tree = new Tree<UIMessage>(UIMessageCodec)
    for (const message of heard) tree.apply(message)
    tree.settle()
    return tree.runs.get(runId)!.info()
  }

  it('S48 is answered on the channel, so that all clients see that the run continues', async () => {
    const { name, alice, sources, ask } = await stage({ onCancel: ownerOnly })
    const { body } = await ask()
    const mallory = await joinWire(endpoint.client({ clientId: 'mallory' }), name)
    await mallory.cancel({ runId: body.runId })
    const refusal = await alice.hears(named('x-ai-cancel-refused', { 'run-id': body.runId }))
    expect(transportOf(refusal)['cancel-serial']).toBe((await alice.hears(named('ai-cancel'))).serial)
    expect(infoOf(alice, body.runId)).toMatchObject({
      status: 'active',
      cancelling: { by: 'mallory', refused: true },
    })
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end', { 'run-reason': 'cancelled' }))
    expect(infoOf(alice, body.runId)).toMatchObject({ status: 'cancelled', cancelledBy: { by: 'alice' } })
    expect(sources[0]!.isStopped).toBe(true)
  })

  it('S8 S48 is answered after the start of the run if it came before', async () => {
    const { name, alice, ask, wake } = await stage({ onCancel: ownerOnly })
    await ask()
    const mallory = await joinWire(endpoint.client({ clientId: 'mallory' }), name)
    const { inputId, inputEventId } = await alice.prompt('Again')
    await mallory.cancel({ inputId })
    const { body } = await wake(inputEventId)
    await alice.hears(named('x-ai-cancel-refused', { 'run-id': body.runId }))
    const names = alice.heard.filter((message) => transportOf(message)['run-id'] === body.runId).map((m) => m.name)
    expect(names.slice(0, 2)).toEqual(['ai-run-start', 'x-ai-cancel-refused'])
  })
})

describe('a cancel while a tool of the agent is running', () => {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  }
  const model = () =>
    new MockLanguageModelV4({
      doStream: async () => ({
        stream: simulateReadableStream({
          chunks: [
            { type: 'stream-start', warnings: [] },
            { type: 'tool-call', toolCallId: 'call-1', toolName: 'look', input: '{}' },
            { type: 'finish', finishReason: { unified: 'tool-calls', raw: 'tool-calls' }, usage },
          ],
        }),
      }),
    })

  /** An agent with a tool that reports its start and its result. */
  function tooled(work: (signal: AbortSignal) => Promise<string>) {
    const calls = { running: 0, finished: 0 }
    const execute = async (_: unknown, { abortSignal }: { abortSignal?: AbortSignal }) => {
      calls.running++
      try {
        return await work(abortSignal!)
      } finally {
        calls.finished++
      }
    }
    const look = tool({ inputSchema: jsonSchema<object>({ type: 'object' }), execute })
    const respond = (run: Run) =>
      run.pipe(
        streamText({
          model: model(),
          prompt: 'Hello',
          tools: { look },
          stopWhen: stepCountIs(3),
          abortSignal: run.abortSignal,
          onError: () => undefined,
        }).toUIMessageStream(),
      )
    return { calls, respond }
  }

  it('S8 S31 S32 ends the run as cancelled at once, and stops a tool that uses the signal', async () => {
    const { calls, respond } = tooled((signal) => sleep(600_000, 'seen', { signal }))
    const { alice, ask, errors } = await stage({ respond })
    const { body } = await ask()
    await eventually(() => expect(calls.running).toBe(1))
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end', { 'run-id': body.runId, 'run-reason': 'cancelled' }))
    await eventually(() => expect(calls.finished).toBe(1))
    expect(errors).toEqual([])
  })

  it('S8 S31 S32 ends the run as cancelled at once, even if a tool that ignores the signal finishes later', async () => {
    const result = Promise.withResolvers<string>()
    const { calls, respond } = tooled(() => result.promise)
    const { alice, ask, errors } = await stage({ respond })
    const { body } = await ask()
    await eventually(() => expect(calls.running).toBe(1))
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end', { 'run-id': body.runId, 'run-reason': 'cancelled' }))
    expect(calls.finished).toBe(0)
    result.resolve('seen')
    await eventually(() => expect(calls.finished).toBe(1))
    await sleep(50)
    const ends = alice.heard.filter(named('ai-run-end'))
    expect(ends).toHaveLength(1)
    const after = alice.heard.slice(alice.heard.indexOf(ends[0]!) + 1)
    expect(after.filter(named('ai-output'))).toEqual([])
    expect(errors).toEqual([])
  })
})

describe('an agent that loses its connection', () => {
  it('S42 S47 keeps its runs going, loses no token, and applies a cancel that arrived meanwhile', async () => {
    const client = endpoint.client({ clientId: 'agent-cut' })
    const { name, alice, sources, ask } = await stage({ client: () => client })
    const { body } = await ask()
    sources[0]!.push(...beginning('Before. '))
    await alice.hears((message) => message.data === 'Before. ')
    const restore = endpoint.dropConnection('agent-cut', { refuseFor: Infinity })
    await eventually(() => expect(client.connection.state).not.toBe('connected'))
    for (let word = 0; word < 300; word++) {
      sources[0]!.push({ type: 'text-delta', id: 't1', delta: `w${word} ` })
      if (word % 50 === 0) await sleep(5)
    }
    await eventually(() => expect(sources[0]!.taken).toBe(304))
    endpoint.refuseResume()
    endpoint.breakContinuity(name)
    await alice.cancel({ runId: body.runId })
    expect(alice.heard.some(named('ai-run-end'))).toBe(false)
    restore()
    await alice.hears(named('ai-run-end', { 'run-reason': 'cancelled' }))
    const tree = new Tree<UIMessage>(UIMessageCodec)
    await eventually(() => {
      for (const message of alice.heard) tree.apply(message)
      tree.settle()
      const run = tree.runs.get(body.runId)!
      const text = Array.from(run.ids, (id) => run.message(id)!).flatMap(({ parts }) => parts).at(-1) // prettier-ignore
      expect(text).toMatchObject({ text: `Before. ${Array.from({ length: 300 }, (_, word) => `w${word} `).join('')}` })
    })
  })
})
