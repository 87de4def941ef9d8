import type { UIMessage, UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAgentSession, Invocation, type AgentRun, type SessionError } from '../../src/agent'
import { Pacer } from '../../src/agent/pacer'
import { WritableChannel } from '../../src/ably/writable-channel'
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

/** A message that has left the agent. */
interface Departure {
  readonly name: string | undefined
  readonly runId: string | undefined
  readonly data: unknown
  /** How many outputs were queued when the message was handed to the pacer. */
  readonly queued: number
  /** How many of them left before the message. */
  readonly before: number
}

/** Notes the messages in the order in which they leave the agent, until the test ends. */
function watchDepartures(): Departure[] {
  const departures: Departure[] = []
  const queue = new Set<object>()
  /** Notes the message that leaves now. */
  let note: ((message: Pick<Departure, 'name' | 'runId' | 'data'>) => void) | undefined
  const { add } = Pacer.prototype
  const { publishOne, append } = WritableChannel.prototype
  const spies = [
    vi.spyOn(Pacer.prototype, 'add').mockImplementation(function (this: Pacer, urgency, send, sender) {
      const own = {}
      const queued = [...queue]
      if (urgency === 'content') queue.add(own)
      const leave = () => {
        queue.delete(own)
        const before = queued.filter((output) => !queue.has(output)).length
        note = (message) => departures.push({ ...message, queued: queued.length, before })
        send()
        note = undefined
      }
      add.call(this, urgency, leave, sender)
    }),
    vi.spyOn(WritableChannel.prototype, 'publishOne').mockImplementation(function (this: WritableChannel, message) {
      note?.({ name: message.name, runId: transportOf(message)['run-id'], data: message.data })
      return publishOne.call(this, message)
    }),
    vi.spyOn(WritableChannel.prototype, 'append').mockImplementation(function (this: WritableChannel, ...args) {
      const [, data, extras] = args
      note?.({ name: 'ai-output', runId: transportOf({ extras })['run-id'], data })
      return append.apply(this, args)
    }),
  ]
  onTestFinished(() => spies.forEach((spy) => spy.mockRestore()))
  return departures
}

const isLifecycle = ({ name }: Departure) => name === 'ai-run-start' || name === 'ai-run-end'
const labelOf = ({ name, runId }: Departure) => `${name} ${runId}`

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
    const departures = watchDepartures()
    const answer = async (run: AgentRun<UIMessage, UIMessageChunk>): Promise<void> => {
      await run.start()
      await run.pipe(textChunks(tokens))
      await run.end()
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
    const lifecycle = departures.filter(isLifecycle)
    expect(new Set(lifecycle.map(labelOf)).size).toBe(2 * runCount)
    expect(lifecycle.filter(({ before }) => before > 0)).toEqual([])
  })

  it('S37 leave room for a run that starts, is cancelled and ends meanwhile', async () => {
    const name = 'ai:pace-busy'
    const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
    const client = endpoint.client({ clientId: 'agent' })
    const session = createAgentSession({ client, sessionName: name })
    const departures = watchDepartures()
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
    for (const { runId } of runs) await alice.hears(named('ai-output', { 'run-id': runId, status: 'streaming' }))
    const stopped = runs.slice(0, 3)
    for (const run of stopped) {
      await alice.cancel({ runId: run.runId })
      await busy[runs.indexOf(run)]
      await run.end()
      const end = await alice.hears(named('ai-run-end', { 'run-id': run.runId }))
      expect(transportOf(end)['run-reason']).toBe('cancelled')
    }
    const late = await begin()
    const piping = late.pipe(textChunks(['Hi']))
    await alice.hears((message) => message.data === 'Hi')
    await piping
    const lifecycle = departures.filter(isLifecycle)
    expect(new Set(lifecycle.map(labelOf)).size).toBe(runCount + 1 + stopped.length)
    const ahead = [...lifecycle, departures.find(({ data }) => data === 'Hi')!]
    expect(ahead.filter(({ before }) => before > 0)).toEqual([])
    expect(ahead.some(({ queued }) => queued > 0)).toBe(true)
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
