import { beforeAll, describe, expect, it } from 'vitest'
import { named, transportOf } from '../support/agent'
import { setStage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { wokenAgent } from '../support/woken-agent'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

describe('wake-up requests for inputs that do not exist', () => {
  it('take no place of maxConcurrent, and do not delay prompts that exist', async () => {
    const { wake, ask } = await wokenAgent(endpoint, { maxConcurrent: 1 })
    const bogus = Array.from({ length: 150 }, (_, index) => wake(`nothing-${index}`))
    expect((await ask()).status).toBe(202)
    const refused = await Promise.all(bogus.slice(0, 49))
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]))
  })
})

describe('a run that takes longer than maxDuration', () => {
  it('ends as an error, is reported to onError, and frees its place', async () => {
    const respond = () => new Promise(() => {})
    const { alice, ask, errors } = await wokenAgent(endpoint, { maxConcurrent: 1, maxDuration: 200, respond })
    const { body } = await ask()
    const end = await alice.hears(named('ai-run-end', { 'run-id': body.runId }))
    const message = 'unable to answer; it took longer than 0.2 s'
    expect(transportOf(end)).toMatchObject({ 'run-reason': 'error', 'error-message': message })
    expect(errors).toMatchObject([{ message }])
    await eventually(async () => expect((await ask()).status).toBe(202))
  })
})

describe('a run whose end the channel refuses permanently', () => {
  it('ends without the refused details, and the refusal is reported', async () => {
    const { name, alice, session, started } = await setStage(endpoint)
    const errors: unknown[] = []
    session.on('error', (error) => errors.push(error))
    const run = await started('Hello')
    endpoint.refusePublish(
      { channel: name, name: 'ai-run-end' },
      { times: 1, error: { code: 40_009, statusCode: 400, message: 'too large' } },
    )
    await run.end({ reason: 'error', error: { message: 'out of tokens' } })
    const end = await alice.hears(named('ai-run-end', { 'run-id': run.runId }))
    expect(transportOf(end)).toMatchObject({ 'run-reason': 'error', 'invocation-id': run.invocationId })
    expect(transportOf(end)).not.toHaveProperty('error-message')
    expect(errors).toMatchObject([{ code: 104_003 }])
  })
})
