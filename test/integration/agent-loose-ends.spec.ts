import type { UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import { handFed, named, streamOf, textChunks, transportOf, type WireClient } from '../support/agent'
import { beginning, setStage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { wokenAgent, type Run } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const soon = (ms = 100): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What an agent has published, in order: names, and how runs and steps came out. */
const published = ({ heard }: WireClient): string[] =>
  heard
    .filter(({ clientId }) => clientId === 'agent')
    .map((message) => {
      const { 'run-reason': run, 'step-reason': step } = transportOf(message)
      return [message.name, run ?? step].filter(Boolean).join(' ')
    })

async function* breaking(): AsyncGenerator<UIMessageChunk> {
  yield* beginning('Half')
  await soon(20)
  throw new Error('socket closed')
}

const say = (text: string) => () => streamOf(textChunks([text]))

describe('an agent function that does not wait for its work', () => {
  it('has a step that is still opening closed before the run ends, and its work stopped', async () => {
    const reasons: unknown[] = []
    const { alice, ask } = await wokenAgent(endpoint, {
      respond(run: Run) {
        void run.step(async (step) => reasons.push((await step.pipe(say('Hello')())).reason))
      },
    })
    await ask()
    await alice.hears(named('ai-run-end'))
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-step-start', 'ai-step-end cancelled', 'ai-run-end cancelled'])
    expect(reasons).toEqual(['cancelled'])
  })

  it('has nothing published after a cancel that finds a step opening', async () => {
    const { name, alice, ask } = await wokenAgent(endpoint, {
      respond: (run: Run) => run.step((step) => step.pipe(handFed().stream)),
    })
    const release = endpoint.delayPublish({ channel: name, name: 'ai-step-start' })
    const { body } = await ask()
    await alice.cancel({ runId: body.runId })
    await soon()
    expect(published(alice)).toEqual(['ai-run-start'])
    release()
    await alice.hears(named('ai-run-end'))
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-step-start', 'ai-step-end cancelled', 'ai-run-end cancelled'])
  })

  it('has its step come out as the pipe in it, though the step was ended first', async () => {
    const { alice, started } = await setStage(endpoint)
    const run = await started('Hello')
    const step = await run.step('work')
    const piping = step.pipe(breaking())
    const ending = step.end()
    await expect(step.pipe(say('More')())).rejects.toMatchObject({ code: 40003 })
    await Promise.all([piping, ending])
    const end = await alice.hears(named('ai-step-end'))
    expect(transportOf(end)['step-reason']).toBe('failed')
  })

  it('has it tried again when the pipe that it did not wait for fails', async () => {
    const { started, readBack } = await setStage(endpoint)
    const run = await started('Hello')
    let tries = 0
    await run.step((step) => void step.pipe(tries++ === 0 ? breaking() : say('Whole')()), { retries: 1 })
    await run.end()
    expect(tries).toBe(2)
    expect(await readBack(run.runId)).toEqual({ status: 'complete', texts: ['Whole'] })
  })
})

describe('a last word', () => {
  it('that is written too late opens no step after the end of the run', async () => {
    let writing: Promise<void> | undefined
    const { alice, ask } = await wokenAgent(endpoint, {
      onCancelled(write) {
        setTimeout(() => (writing = write({ type: 'start' })), 50)
      },
    })
    const { body } = await ask()
    await alice.cancel({ runId: body.runId })
    await alice.hears(named('ai-run-end'))
    await eventually(() => expect(writing).toBeDefined())
    await writing
    await soon()
    expect(published(alice)).toEqual(['ai-run-start', 'ai-run-end cancelled'])
  })
})
