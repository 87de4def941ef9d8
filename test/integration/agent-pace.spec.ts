import type { UIMessage, UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAgentSession, Invocation, type AgentRun, type SessionError } from '../../src/agent'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { joinWire, named, textChunks, transportOf } from '../support/agent'
import { textOf } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'

const runCount = 20
const tokens = Array.from({ length: 300 }, (_, index) => `t${index} `)

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({ limits: { maxInboundRate: 50 } }, { until: 'file' })
})

describe('twenty runs at full speed on one connection that may publish 50 messages a second', () => {
  it('S37 lose no tokens, and publish their lifecycle before their texts', async () => {
    const name = 'ai:pace'
    const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
    const reader = await joinWire(endpoint.client({ clientId: 'reader' }), name)
    const client = endpoint.client({ clientId: 'agent' })
    const session = createAgentSession({ client, sessionName: name })
    const errors: SessionError[] = []
    session.on('error', (error) => errors.push(error))
    const runs: AgentRun<UIMessage, UIMessageChunk>[] = []
    for (let index = 0; index < runCount; index++) {
      // One connection for all prompts would be rate limited, too
      const { inputEventId } = await (index % 2 ? alice : reader).prompt(`Question ${index}`)
      runs.push(session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name })))
    }
    await session.connect()
    const outputs = () => alice.heard.filter(named('ai-output')).length
    const overtaken: number[] = []
    const noted = async <T>(work: Promise<T>): Promise<T> => {
      const before = outputs()
      const result = await work
      overtaken.push(outputs() - before)
      return result
    }
    const answer = async (run: AgentRun<UIMessage, UIMessageChunk>): Promise<void> => {
      await noted(run.start())
      await run.pipe(textChunks(tokens))
      await noted(run.end())
    }
    await Promise.all(runs.map(answer))

    await eventually(() => expect(alice.heard.filter(named('ai-run-end'))).toHaveLength(runCount))
    const tree = new Tree<UIMessage>(UIMessageCodec)
    for (const message of alice.heard) tree.apply(message)
    tree.settle()
    for (const { runId } of runs) {
      const run = tree.runs.get(runId)!
      expect(run.state.status).toBe('complete')
      expect(Array.from(run.ids, (id) => textOf(run.message(id)!))).toEqual([tokens.join('')])
    }
    // NOTE: on a machine that stalls, messages of two seconds can reach the service in one; they are sent again
    expect(errors.filter(({ code }) => code !== 42_911)).toEqual([])
    expect(overtaken).toHaveLength(2 * runCount)
    expect(Math.max(...overtaken)).toBeLessThan(10)
  })

  it('S37 leave room for a run that starts, is cancelled and ends meanwhile', async () => {
    const name = 'ai:pace-busy'
    const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
    const client = endpoint.client({ clientId: 'agent' })
    const session = createAgentSession({ client, sessionName: name })
    const begin = async (): Promise<AgentRun<UIMessage, UIMessageChunk>> => {
      const { inputEventId } = await alice.prompt('Go on and on')
      const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
      await run.start()
      return run
    }
    async function* endless() {
      yield* textChunks([]).slice(0, 3)
      for (let count = 0; ; count++) {
        yield { type: 'text-delta', id: 't1', delta: `${count} ` } as const
        await new Promise(setImmediate)
      }
    }
    const busy: Promise<unknown>[] = []
    const runs: AgentRun<UIMessage, UIMessageChunk>[] = []
    for (let index = 0; index < runCount; index++) {
      runs.push(await begin())
      busy.push(runs.at(-1)!.pipe(endless()))
    }
    const outputs = () => alice.heard.filter(named('ai-output')).length
    // By then every text is queued
    await eventually(() => expect(outputs()).toBeGreaterThan(5 * runCount))
    for (const run of runs.slice(0, 3)) {
      const before = outputs()
      await alice.cancel({ runId: run.runId })
      await busy[runs.indexOf(run)]
      await run.end()
      const end = await alice.hears(named('ai-run-end', { 'run-id': run.runId }))
      expect(transportOf(end)['run-reason']).toBe('cancelled')
      expect(outputs() - before).toBeLessThan(1.5 * runCount)
    }
    const before = outputs()
    const late = await begin()
    const piping = late.pipe(textChunks(['Hi']))
    await alice.hears((message) => message.data === 'Hi')
    expect(outputs() - before).toBeLessThan(1.5 * runCount)
    await piping
    await session.end()
  })
})

describe('a session whose channel takes no more messages', () => {
  it('S37 waits, loses nothing, and slows down no other session of the connection', async () => {
    const client = endpoint.client({ clientId: 'agent' })
    const begin = async (name: string) => {
      const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
      const session = createAgentSession({ client, sessionName: name })
      const errors: SessionError[] = []
      session.on('error', (error) => errors.push(error))
      const { inputEventId } = await alice.prompt('Hello')
      const run = session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }))
      await run.start()
      const read = () => {
        const tree = new Tree<UIMessage>(UIMessageCodec)
        for (const message of alice.heard) tree.apply(message)
        tree.settle()
        const node = tree.runs.get(run.runId)!
        return { status: node.state.status, text: Array.from(node.ids, (id) => textOf(node.message(id)!)).join('') }
      }
      const answer = async () => {
        await run.pipe(textChunks(words))
        await run.end()
      }
      return { name, errors, answer, read }
    }
    const words = tokens.slice(0, 60)
    const [full, other] = [await begin('ai:pace-full'), await begin('ai:pace-other')]
    const restore = endpoint.refusePublish({ channel: full.name }, { error: { code: 42_913, statusCode: 429 } })
    const answering = full.answer()
    await eventually(() => expect(full.errors).toMatchObject([{ code: 42_913 }]))
    await other.answer()
    await eventually(() => expect(other.read()).toEqual({ status: 'complete', text: words.join('') }))
    expect(other.errors).toEqual([])
    expect(full.read().text).toBe('')
    restore()
    await answering
    await eventually(() => expect(full.read()).toEqual({ status: 'complete', text: words.join('') }))
    expect(full.errors).toHaveLength(1)
  })
})
