import type { UIMessage, UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import { handFed, named, textChunks, transportOf, type HandFed, type WireClient } from '../support/agent'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { answerTo } from '../support/tools'
import { agentOn, wokenAgent, type Run } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const soon = (ms = 200): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const call = (toolCallId: string): UIMessageChunk => ({
  type: 'tool-input-available',
  toolCallId,
  toolName: 'locate',
  input: {},
})
const forTools: UIMessageChunk[] = [{ type: 'finish-step' }, { type: 'finish', finishReason: 'tool-calls' }]

const lifecycle = ({ heard }: WireClient): string[] =>
  heard.flatMap(({ name = '' }) => (name.startsWith('ai-run') ? [name] : []))

/** A run whose model has called a client tool and continues to stream, and the output of that tool. */
async function answeredEarly(options: { triggerTimeout?: number } = {}) {
  const sources: HandFed[] = []
  const contexts: UIMessage[][] = []
  const respond = (run: Run) => {
    contexts.push(run.context())
    sources.push(handFed())
    return run.pipe(sources.at(-1)!.stream)
  }
  const scene = await wokenAgent(endpoint, { respond, ...options })
  const { runId } = (await scene.ask()).body
  await eventually(() => expect(sources).toHaveLength(1))
  sources[0]!.push({ type: 'start' }, { type: 'start-step' }, call('c1'))
  const output = await scene.alice.hears(
    (message) => message.name === 'ai-output' && JSON.stringify(message.extras).includes('c1'),
  )
  const reply = transportOf(output)['codec-message-id']!
  const answer = (toolCallId: string) =>
    answerTo(scene.alice, { runId, reply, toolCallId, output: `output of ${toolCallId}` })
  const other = agentOn(scene.name, endpoint, { respond, ...options })
  return { ...scene, sources, contexts, runId, answer, wakeOther: other.wake }
}

describe('an answer to a run that is still streaming', () => {
  it('resumes the run once it is suspended, and only once, whichever agents are woken', async () => {
    const { alice, sources, contexts, runId, answer, wake, wakeOther } = await answeredEarly()
    const { inputEventId } = await answer('c1')
    const waking = Promise.all([wake(inputEventId), wakeOther(inputEventId)])
    await soon()
    expect(lifecycle(alice)).toEqual(['ai-run-start'])
    sources[0]!.push(...forTools)
    sources[0]!.end()
    const woken = await waking
    expect(woken.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 202])
    expect(woken.map(({ body }) => body.runId)).toEqual([runId, runId])
    await eventually(() => expect(sources).toHaveLength(2))
    sources[1]!.push(...textChunks(['You are there.'], 'm2'))
    sources[1]!.end()
    await alice.hears(named('ai-run-end', { 'run-reason': 'complete' }))
    expect(lifecycle(alice)).toEqual(['ai-run-start', 'ai-run-suspend', 'ai-run-resume', 'ai-run-end'])
    expect(JSON.stringify(contexts[1])).toContain('output of c1')
    expect(contexts).toHaveLength(2)
  })

  it('is used together with other answers that came meanwhile', async () => {
    const { alice, sources, contexts, answer, wake } = await answeredEarly()
    const first = wake((await answer('c1')).inputEventId)
    sources[0]!.push(call('c2'))
    await alice.hears((message) => JSON.stringify(message.extras).includes('c2'))
    const second = wake((await answer('c2')).inputEventId)
    await soon()
    sources[0]!.push(...forTools)
    sources[0]!.end()
    expect([(await first).status, (await second).status].toSorted((a, b) => a - b)).toEqual([200, 202])
    await eventually(() => expect(sources).toHaveLength(2))
    sources[1]!.end()
    await alice.hears(named('ai-run-end'))
    expect(lifecycle(alice).filter((name) => name === 'ai-run-resume')).toHaveLength(1)
    expect(JSON.stringify(contexts[1])).toMatch(/output of c1.*output of c2/)
  })

  it('is refused with 409 if the run ends instead', async () => {
    const { alice, sources, answer, wake } = await answeredEarly()
    const waking = wake((await answer('c1')).inputEventId)
    await soon()
    sources[0]!.push({ type: 'finish', finishReason: 'stop' })
    sources[0]!.end()
    expect(await waking).toMatchObject({ status: 409, body: { error: { code: 40003 } } })
    expect(lifecycle(alice)).toEqual(['ai-run-start', 'ai-run-end'])
  })

  it('is refused with 429 if the run streams for too long, and repeated', async () => {
    const { alice, sources, runId, answer, wake } = await answeredEarly({ triggerTimeout: 1500 })
    const { inputEventId } = await answer('c1')
    const refused = await wake(inputEventId)
    expect(refused).toMatchObject({ status: 429, retryAfter: '2', body: { error: { code: 42900 } } })
    expect(lifecycle(alice)).toEqual(['ai-run-start'])
    sources[0]!.push(...forTools)
    sources[0]!.end()
    await alice.hears(named('ai-run-suspend'))
    expect(await wake(inputEventId)).toMatchObject({ status: 202, body: { runId } })
    await eventually(() => expect(sources).toHaveLength(2))
    sources[1]!.end()
  })
})

describe('a steer that wakes an agent', () => {
  it('counts as handled if the run has consumed it before it is suspended', async () => {
    const respond = async (run: Run) => {
      const [first, second] = [handFed(), handFed()]
      feeds.push(first, second)
      await run.pipe(first.stream)
      run.hasInput()
      await run.pipe(second.stream)
    }
    const feeds: HandFed[] = []
    const { alice, ask, wake } = await wokenAgent(endpoint, { respond })
    const { runId } = (await ask()).body
    await eventually(() => expect(feeds).toHaveLength(2))
    feeds[0]!.push(...textChunks(['One']))
    const { inputEventId } = await alice.prompt('By train', { 'run-id': runId })
    const waking = wake(inputEventId)
    await soon()
    feeds[0]!.end()
    feeds[1]!.push({ type: 'start' }, call('c1'), ...forTools)
    feeds[1]!.end()
    await alice.hears(named('ai-run-suspend'))
    expect(await waking).toMatchObject({ status: 200, body: { runId, handled: true } })
    expect(lifecycle(alice)).toEqual(['ai-run-start', 'ai-run-suspend'])
  })
})
