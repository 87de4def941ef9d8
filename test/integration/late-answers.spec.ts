import type { UIMessage } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import { named, streamOf, textChunks, transportOf } from '../support/agent'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { answerTo } from '../support/tools'
import { agentOn, wokenAgent, type Run } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const call = { toolCallId: 'c1', toolName: 'locate' }

/** A suspended run whose tool call has two outputs on the channel, the first one "Oslo". */
async function answeredTwice() {
  const contexts: UIMessage[][] = []
  const respond = (run: Run) => {
    contexts.push(run.context())
    if (contexts.length > 1) return run.pipe(textChunks(['You are there.'], 'm2'))
    return run.pipe(
      streamOf([
        { type: 'start' },
        { type: 'start-step' },
        { type: 'tool-input-available', ...call, input: {} },
        { type: 'finish-step' },
        { type: 'finish', finishReason: 'tool-calls' },
      ]),
    )
  }
  const scene = await wokenAgent(endpoint, { respond })
  const { runId } = (await scene.ask()).body
  await scene.alice.hears(named('ai-run-suspend'))
  const reply = transportOf(await scene.alice.hears(named('ai-output')))['codec-message-id']!
  const about = { runId, reply, toolCallId: 'c1' }
  const [first, second] = [
    await answerTo(scene.alice, { ...about, output: 'Oslo' }),
    await answerTo(scene.alice, { ...about, output: 'Rome' }),
  ]
  return { ...scene, runId, contexts, respond, first, second }
}

describe('a late answer', () => {
  it('starts no fork: the request is refused with 409, before and after the run has ended', async () => {
    const { alice, wake, runId, first } = await answeredTwice()
    const prompt = transportOf(alice.heard.find(named('ai-input'))!)['codec-message-id']!
    const message = {
      id: 'm1',
      role: 'assistant',
      parts: [{ type: 'tool-locate', ...call, state: 'input-available', input: {} }],
    }
    const forkSeed = { messages: [{ codecMessageId: 'copy', message }] }
    const headers = { role: 'assistant', parent: prompt, 'codec-message-id': 'copy', supersedes: runId }
    const fork = await answerTo(alice, { toolCallId: 'c1', output: 'Bonn', forkSeed, headers })
    const refused = {
      status: 409,
      body: { error: { message: expect.stringContaining('already answered by alice: output') } },
    }
    expect(await wake(fork.inputEventId)).toMatchObject(refused)
    await wake(first.inputEventId)
    await alice.hears(named('ai-run-end'))
    expect(await wake(fork.inputEventId)).toMatchObject(refused)
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(1)
  })

  it('is not given to an agent that has started since and is woken for it', async () => {
    const { alice, agent, name, contexts, respond, second } = await answeredTwice()
    await agent.close()
    const restarted = agentOn(name, endpoint, { respond })
    await restarted.wake(second.inputEventId)
    await alice.hears(named('ai-run-end'))
    expect(contexts[1]!.at(-1)!.parts.at(-1)).toMatchObject({ state: 'output-available', output: 'Oslo' })
    expect(JSON.stringify(contexts)).not.toContain('Rome')
  })
})
