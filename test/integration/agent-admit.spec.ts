import { beforeAll, describe, expect, it } from 'vitest'
import { defineAgent, type AdmitRequest } from '../../src/agent'
import { deferred } from '../../src/core/signals'
import { handFed, joinWire, named } from '../support/agent'
import { setStage } from '../support/agent-stage'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { wokenAgent, type Run } from '../support/woken-agent'
import { eventually } from '../support/eventually'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const stage = (options?: Parameters<typeof wokenAgent>[1]) => wokenAgent(endpoint, options)

describe('maxConcurrent', () => {
  it('S38 refuses a run above the limit with 429 and Retry-After, and starts it once there is room', async () => {
    const { alice, sources, wake, ask, errors } = await stage({ maxConcurrent: 2 })
    expect((await ask()).status).toBe(202)
    const second = await ask()
    expect(second.status).toBe(202)
    const { inputEventId } = await alice.prompt('One more')
    const refused = await wake(inputEventId)
    expect(refused).toMatchObject({ status: 429, retryAfter: '2', body: { error: { code: 42_900 } } })
    expect(refused.body.error!.message).toContain('unable to start a run now')
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(2)
    sources[1]!.end()
    await alice.hears(named('ai-run-end', { 'run-id': second.body.runId }))
    await eventually(async () => expect((await wake(inputEventId)).status).toBe(202))
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(3)
    expect(errors).toEqual([])
  })

  it('S38 does not count suspended runs or runs that could not start', async () => {
    const suspending = (run: Run) => run.pipe([{ type: 'start' }, { type: 'finish', finishReason: 'tool-calls' }])
    const { wake, ask } = await stage({ maxConcurrent: 1, triggerTimeout: 1500, respond: suspending })
    expect((await wake('nothing')).status).toBe(404)
    expect((await ask()).status).toBe(202)
    await eventually(async () => expect((await ask()).status).toBe(202))
  })

  it.each<[string, (run: Run) => Promise<void>]>([
    ['has ended', (run) => run.end()],
    ['is suspended', (run) => run.suspend()],
  ])('S38 does not count a run that %s, even if its agent function never returns', async (_, settle) => {
    const respond = async (run: Run) => {
      await settle(run)
      await new Promise(() => {})
    }
    const { ask } = await stage({ maxConcurrent: 1, respond })
    expect((await ask()).status).toBe(202)
    await eventually(async () => expect((await ask()).status).toBe(202))
  })
})

describe('admit', () => {
  it('S38 gets the client and the active runs of all processes, and refuses with 429 before anything is published', async () => {
    const asked: AdmitRequest[] = []
    const admit = (request: AdmitRequest) => {
      asked.push(request)
      return request.active.filter(({ clientId }) => clientId === request.ownerClientId).length < 1
    }
    const { name, alice, sources, ask, wake } = await stage({ admit })
    const first = await ask()
    expect(first.status).toBe(202)
    const { inputEventId } = await alice.prompt('And?')
    expect(await wake(inputEventId)).toMatchObject({ status: 429, retryAfter: '2' })
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(1)
    const bob = await joinWire(endpoint.client({ clientId: 'bob' }), name)
    expect((await ask(bob)).status).toBe(202)
    expect(asked[1]).toMatchObject({ sessionName: name, ownerClientId: 'alice', clientId: 'alice' })
    expect(asked[1]!.active.map(({ runId }) => runId)).toEqual([first.body.runId])
    sources[0]!.end()
    await alice.hears(named('ai-run-end'))
    await eventually(async () => expect((await wake(inputEventId)).status).toBe(202))
  })

  it('S38 gets a run that another process streams, which started before this process attached', async () => {
    const { started, alice, name, create } = await setStage(endpoint)
    const other = await started('First')
    void other.pipe(handFed().stream)
    const { inputEventId } = await alice.prompt('Second')
    const own = defineAgent({
      client: () => endpoint.client({ clientId: 'agent' }),
      authorize: () => true,
      onError: () => undefined,
      admit: ({ active }) => active.length === 0,
      respond: () => undefined,
    })
    const body = JSON.stringify({ inputEventId, sessionName: name })
    const headers = { 'content-type': 'application/json' }
    const wake = () => own.fetch(new Request('http://agent.test/', { method: 'POST', headers, body }))
    expect((await wake()).status).toBe(429)
    await expect(create(inputEventId, { admit: () => false }).start()).rejects.toMatchObject({ code: 42_900 })
    await other.end()
    await eventually(async () => expect((await wake()).status).toBe(202))
  })

  it('that throws keeps the run from starting, and is reported with 104002', async () => {
    const admit = () => {
      throw new Error('no database')
    }
    const { ask, errors } = await stage({ admit })
    expect((await ask()).status).toBe(500)
    expect(errors).toMatchObject([{ code: 104_002 }])
  })

  it.each([
    ['refuses', () => false],
    ['never decides', () => new Promise<boolean>(() => undefined)],
  ])('that %s does not keep a prompt that was stopped from ending as cancelled', async (_, admit) => {
    const { alice, wake } = await stage({ admit })
    const { inputId, inputEventId } = await alice.prompt('Hello')
    await alice.cancel({ inputId })
    expect(await wake(inputEventId)).toMatchObject({ status: 202 })
    await alice.hears(named('ai-run-end', { 'run-reason': 'cancelled' }))
    expect(alice.heard.filter(named('ai-output'))).toEqual([])
  })

  it('that is deciding does not delay a Stop', async () => {
    const { alice, wake, asked } = await deciding()
    const { inputId, inputEventId } = await alice.prompt('Hello')
    const woken = wake(inputEventId)
    await asked.promise
    await alice.cancel({ inputId })
    await alice.hears(named('ai-run-end', { 'run-reason': 'cancelled' }))
    expect(await woken).toMatchObject({ status: 202 })
  })

  it('that is deciding while its agent closes starts no run: the client can wake another agent', async () => {
    const { alice, wake, agent, errors, asked, decided } = await deciding()
    const { inputEventId } = await alice.prompt('Hello')
    const woken = wake(inputEventId)
    await asked.promise
    await agent.close()
    decided.resolve(true)
    expect(await woken).toMatchObject({ status: 503 })
    expect(alice.heard.filter(named('ai-run-start'))).toEqual([])
    expect(errors).toEqual([])
  })
})

/** An agent whose `admit` decides when the test says so. */
async function deciding() {
  const asked = deferred()
  const decided = deferred<boolean>()
  const admit = () => {
    asked.resolve()
    return decided.promise
  }
  return { ...(await stage({ admit })), asked, decided }
}
