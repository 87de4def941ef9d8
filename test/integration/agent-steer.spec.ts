import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { SteerRequest } from '../../src/agent'
import { handFed, joinWire, named, textChunks, transportOf } from '../support/agent'
import { beginning, delta, said, setStage, type Stage } from '../support/agent-stage'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { eventually } from '../support/eventually'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const stage = (): Promise<Stage> => setStage(endpoint)

/** Sends a steer into a run, and waits until its agent has received it. */
async function steer({ alice, session }: Stage, runId: string, text: string): Promise<string> {
  const { inputId } = await alice.prompt(text, { 'run-id': runId })
  await heard(session, inputId)
  return inputId
}

const heard = (session: Stage['session'], inputId: string) =>
  eventually(() => expect(session.tree.nodeOf(inputId)).toBeDefined())

/** The steers that each message of the run names as consumed. */
function stamps({ alice }: Stage): unknown[] {
  const byMessage = new Map<string, unknown>()
  for (const message of alice.heard.filter(named('ai-output'))) {
    const { 'codec-message-id': id = '', 'steer-codec-message-ids': steers } = transportOf(message)
    byMessage.set(id, steers === undefined ? undefined : JSON.parse(steers))
  }
  return [...byMessage.values()]
}

describe('hasInput', () => {
  it('is true before the first pipe, and then once more for later steers', async () => {
    const scene = await stage()
    const run = await scene.started('Plan a trip')
    expect(run.hasInput()).toBe(true)
    expect(run.hasInput()).toBe(true)
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Day one'))
    await scene.alice.hears(named('ai-output'))
    expect(run.hasInput()).toBe(false)
    const cheap = await steer(scene, run.runId, 'Make it cheap')
    const short = await steer(scene, run.runId, 'and short')
    source.push(delta(' done'))
    source.end()
    await piping
    expect(run.hasInput()).toBe(true)
    expect(run.hasInput()).toBe(false)
    expect(said(run.context())).toEqual([
      'user: Plan a trip',
      'assistant: Day one done',
      'user: Make it cheap|and short',
    ])
    await run.pipe(textChunks(['Cheap'], 'm2'))
    expect(run.hasInput()).toBe(false)
    await run.pipe(textChunks(['More'], 'm3'))
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(stamps(scene)).toEqual([undefined, [cheap, short], undefined])
  })

  it('counts steers before the first pipe as consumed by that pipe', async () => {
    const scene = await stage()
    const run = await scene.started('Plan a trip')
    const cheap = await steer(scene, run.runId, 'Make it cheap')
    expect(said(run.context())).toEqual(['user: Plan a trip|Make it cheap'])
    await run.pipe(textChunks(['Cheap']))
    expect(run.hasInput()).toBe(false)
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(stamps(scene)).toEqual([[cheap]])
  })

  it('does not count steers as consumed by a pipe if they arrive after its conversation was read', async () => {
    const scene = await stage()
    const run = await scene.started('Plan a trip')
    run.context()
    const cheap = await steer(scene, run.runId, 'Make it cheap')
    await run.pipe(textChunks(['Dear']))
    expect(run.hasInput()).toBe(true)
    await run.pipe(textChunks(['Cheap'], 'm2'))
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(stamps(scene)).toEqual([undefined, [cheap]])
  })

  it('keeps steers for the next pipe if a pipe has no chunk', async () => {
    const scene = await stage()
    const run = await scene.started('Plan a trip')
    const cheap = await steer(scene, run.runId, 'Make it cheap')
    await run.pipe([])
    expect(run.hasInput()).toBe(false)
    await run.pipe(textChunks(['Cheap']))
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(stamps(scene)).toEqual([[cheap]])
  })

  it('is false once the run is cancelled, and while it is not open', async () => {
    const scene = await stage()
    const { inputEventId } = await scene.alice.prompt('Hello')
    const run = scene.create(inputEventId)
    expect(run.hasInput()).toBe(false)
    await run.start()
    await steer(scene, run.runId, 'Hurry')
    await scene.alice.cancel({ runId: run.runId })
    await eventually(() => expect(run.abortSignal.aborted).toBe(true))
    expect(run.hasInput()).toBe(false)
    await run.end()
    expect(run.hasInput()).toBe(false)
  })

  it('puts a steer behind earlier output of the run, which did not consume it', async () => {
    const scene = await stage()
    const run = await scene.started('Plan a trip')
    run.context()
    await steer(scene, run.runId, 'Make it cheap')
    await run.pipe(textChunks(['Dear']))
    expect(said(run.context())).toEqual(['user: Plan a trip', 'assistant: Dear', 'user: Make it cheap'])
  })

  it('is false for steers that were consumed before the run was resumed', async () => {
    const scene = await stage()
    const run = await scene.started('Plan a trip')
    await steer(scene, run.runId, 'answered')
    await run.pipe(textChunks(['Yes']))
    const open = await steer(scene, run.runId, 'open')
    await run.suspend()
    const reply = transportOf(await scene.alice.hears(named('ai-output')))['codec-message-id']!
    const { inputEventId } = await scene.alice.prompt('go on', { 'run-id': run.runId, 'codec-message-id': reply })
    const next = scene.create(inputEventId)
    await next.start()
    expect(next.hasInput()).toBe(true)
    await next.pipe(textChunks(['On'], 'm2'))
    expect(next.hasInput()).toBe(false)
    await next.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(stamps(scene).at(-1)).toEqual([open])
  })
})

describe('onSteer', () => {
  it("gets the steer, its client and the run's owner, verified by Ably, and can refuse it", async () => {
    const scene = await stage()
    const asked: SteerRequest[] = []
    const run = await scene.started('Plan a trip', {
      onSteer(request) {
        asked.push(request)
        return request.clientId === request.ownerClientId
      },
    })
    const bob = await joinWire(endpoint.client({ clientId: 'bob' }), scene.name)
    const { inputId } = await bob.prompt('Go to Paris', { 'run-id': run.runId, 'run-client-id': 'alice' })
    await heard(scene.session, inputId)
    const cheap = await steer(scene, run.runId, 'Make it cheap')
    await eventually(() => expect(asked).toHaveLength(2))
    expect(asked[0]).toMatchObject({ runId: run.runId, inputId, clientId: 'bob', ownerClientId: 'alice' })
    expect(asked[0]!.message.data).toBe('Go to Paris')
    expect(said(run.context())).toEqual(['user: Plan a trip|Make it cheap'])
    await run.pipe(textChunks(['Cheap']))
    expect(run.hasInput()).toBe(false)
    await run.end()
    await scene.alice.hears(named('ai-run-end'))
    expect(stamps(scene)).toEqual([[cheap]])
  })

  it('that throws refuses the steer, and is reported with 104002', async () => {
    const scene = await stage()
    const errors = vi.fn<(error: unknown) => void>()
    scene.session.on('error', errors)
    const run = await scene.started('Plan a trip', { onSteer: () => Promise.reject(new Error('no database')) })
    await steer(scene, run.runId, 'Make it cheap')
    await eventually(() => expect(errors).toHaveBeenCalledWith(expect.objectContaining({ code: 104002 })))
    expect(said(run.context())).toEqual(['user: Plan a trip'])
  })
})
