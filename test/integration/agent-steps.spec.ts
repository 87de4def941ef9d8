import type { UIMessageChunk } from 'ai'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AgentStep } from '../../src/agent'
import { handFed, named, streamOf, textChunks, transportOf } from '../support/agent'
import { beginning, said, setStage, type Stage } from '../support/agent-stage'
import { startEndpoint, type TestEndpoint } from '../support/local'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const stage = (): Promise<Stage> => setStage(endpoint)

type Step = AgentStep<UIMessageChunk>

const saying =
  (...texts: string[]) =>
  (step: Step) =>
    step.pipe(streamOf(textChunks(texts)))

const failing = (text: string) => async (step: Step) => {
  await step.pipe(streamOf(beginning(text)))
  throw new Error('no connection')
}

/** The step messages on the channel: `id start` and `id reason`. */
const steps = ({ alice }: Stage): string[] =>
  alice.heard.flatMap((message) => {
    if (message.name !== 'ai-step-start' && message.name !== 'ai-step-end') return []
    const { 'step-id': id, 'step-reason': reason = 'start' } = transportOf(message)
    return [`${id} ${reason}`]
  })

describe('run.step()', () => {
  it('publishes its work under the given id, and returns the value', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    const value = await run.step(async (step) => (await saying('Hi')(step), step.stepId), { id: 'greet' })
    await run.end()
    expect(value).toBe('greet')
    await scene.alice.hears(named('ai-run-end'))
    expect(steps(scene)).toEqual(['greet start', 'greet complete'])
    expect(await scene.readBack(run.runId)).toEqual({ status: 'complete', texts: ['Hi'] })
  })

  it('retries under the same id if the work throws, and output of the failed attempt disappears', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    let attempt = 0
    await run.step((step) => (attempt++ < 2 ? failing('Half')(step) : saying('Whole')(step)), { retries: 2 })
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    const id = `${run.invocationId}-step-0`
    expect(steps(scene)).toEqual([
      `${id} start`,
      `${id} failed`,
      `${id} start`,
      `${id} failed`,
      `${id} start`,
      `${id} complete`,
    ])
    expect(await scene.readBack(run.runId)).toEqual({ status: 'complete', texts: ['Whole'] })
  })

  it('retries if the last pipe fails', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    let attempt = 0
    const broken: UIMessageChunk[] = [...beginning('Half'), { type: 'error', errorText: 'overloaded' }]
    const result = await run.step((step) => step.pipe(streamOf(attempt++ === 0 ? broken : textChunks(['Whole']))), {
      retries: 1,
    })
    expect(result).toEqual({ reason: 'complete' })
    await run.end()
    expect(await scene.readBack(run.runId)).toEqual({ status: 'complete', texts: ['Whole'] })
  })

  it('rejects with the error of its last attempt, whose text stays', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    await expect(run.step(failing('Half'), { retries: 1 })).rejects.toThrow('no connection')
    await run.end({ reason: 'error' })
    expect(await scene.readBack(run.runId)).toEqual({ status: 'error', texts: ['Half'] })
  })

  it('does not retry once the run is cancelled', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    let attempts = 0
    const working = run.step(
      async (step) => {
        attempts++
        await step.pipe(handFed().stream)
        throw new Error('stopped')
      },
      { retries: 5 },
    )
    await scene.alice.cancel({ runId: run.runId })
    await expect(working).rejects.toThrow('stopped')
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(attempts).toBe(1)
    expect(steps(scene).at(-1)).toMatch(/ cancelled$/)
    await expect(run.step(saying('Hi'))).rejects.toMatchObject({ code: 40033 })
  })

  it('leaves output of a failed attempt out of its context', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    const contexts: string[][] = []
    let attempt = 0
    await run.step(saying('Plan'))
    await run.step(
      (step) => {
        contexts.push(said(run.context()))
        return attempt++ === 0 ? failing('Half')(step) : saying('Whole')(step)
      },
      { retries: 1 },
    )
    expect(contexts).toEqual([
      ['user: one', 'assistant: Plan', 'user: [Continue.]'],
      ['user: one', 'assistant: Plan', 'user: [Continue.]'],
    ])
    expect(said(run.context())).toEqual(['user: one', 'assistant: Plan|\n\nWhole', 'user: [Continue.]'])
  })
})

describe('run.startStep()', () => {
  it('takes several pipes, one message each, and a chunk that is already available', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    const step = await run.step('work')
    await step.pipe(textChunks(['First']))
    await step.pipe(textChunks(['Second'], 'm2'))
    await step.end()
    await step.end('failed')
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(steps(scene)).toEqual(['work start', 'work complete'])
    expect(await scene.readBack(run.runId)).toEqual({ status: 'complete', texts: ['First', 'Second'] })
  })

  it('without an id replaces the previous step if that failed, and starts a new one if not', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    const first = await run.step('first')
    await first.end('failed')
    const again = await run.step()
    await again.end()
    const next = await run.step()
    await next.end()
    expect([again.stepId, next.stepId]).toEqual(['first', `${run.invocationId}-step-0`])
  })

  it('is the only open work: a second step, or a pipe beside it, is refused with 40003', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    const opening = run.step('a')
    await expect(run.step('b')).rejects.toMatchObject({ code: 40003 })
    const step = await opening
    await expect(run.step('b')).rejects.toMatchObject({ code: 40003 })
    await expect(run.pipe(textChunks([]))).rejects.toMatchObject({ code: 40003 })
    await expect(run.suspend()).rejects.toMatchObject({ code: 40003 })
    const source = handFed()
    const piping = step.pipe(source.stream)
    await expect(step.pipe(textChunks([]))).rejects.toMatchObject({ code: 40003 })
    source.end()
    await piping
    await step.end()
    await expect(step.pipe(textChunks([]))).rejects.toMatchObject({ code: 40003 })
    await run.suspend()
    await expect(run.step('c')).rejects.toMatchObject({ code: 40003 })
  })

  it.each([
    ['complete', 'complete'],
    ['cancelled', 'cancelled'],
    ['error', 'failed'],
  ] as const)('is closed by the end of its run: %s makes it %s', async (reason, outcome) => {
    const scene = await stage()
    const run = await scene.started('one')
    await run.step('open')
    await run.end({ reason })
    await scene.alice.hears(named('ai-run-end'))
    expect(steps(scene)).toEqual(['open start', `open ${outcome}`])
    expect(scene.alice.heard.at(-1)!.name).toBe('ai-run-end')
  })

  it('is closed as cancelled when its session ends, with its stream', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    const step = await run.step('open')
    void step.pipe(handFed().stream)
    await scene.session.end()
    await scene.alice.hears(named('ai-run-end', { 'run-reason': 'cancelled' }))
    expect(steps(scene)).toEqual(['open start', 'open cancelled'])
  })
})

describe('the client id of a step', () => {
  it('is the given one, or that of the step before, or that of the prompt', async () => {
    const scene = await stage()
    const run = await scene.started('one')
    await run.step(saying('one'))
    await run.step(saying('two'), { clientId: 'bob' })
    await run.pipe(textChunks(['three']))
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    const starts = scene.alice.heard.filter(named('ai-step-start'))
    expect(starts.map((start) => transportOf(start)['step-client-id'])).toEqual(['alice', 'bob', 'bob'])
  })
})
