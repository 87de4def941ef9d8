import { beforeAll, describe, expect, it } from 'vitest'
import { named, transportOf } from '../support/agent'
import { startAgentProcess } from '../support/agent-process'
import { setStage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { answerTo, asking } from '../support/tools'

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

const isAnnouncement = (message: Parameters<ReturnType<typeof named>>[0]): boolean =>
  named('ai-run-start')(message) || named('ai-run-resume')(message)

const statusesOf = (answers: { status: number }[]): number[] =>
  answers.map(({ status }) => status).toSorted((a, b) => a - b)

describe('two agent processes', () => {
  it('S51 woken at once by the same input start one run, and both name it', async () => {
    const agents = await Promise.all([startAgentProcess(endpoint), startAgentProcess(endpoint)])
    const { name, alice } = await setStage(endpoint)
    for (let round = 0; round < 5; round++) {
      const from = alice.heard.length
      const { inputEventId } = await alice.prompt(`Hello ${round}`)
      const invocation = { inputEventId, sessionName: name }
      const answers = await Promise.all(agents.map((agent) => agent.wake(invocation)))
      const { runId } = answers[0]!.body
      expect(answers.map(({ body }) => body.runId)).toEqual([runId, runId])
      expect(statusesOf(answers)).toEqual([200, 202])
      expect(answers.find(({ status }) => status === 200)!.body).toMatchObject({ handled: true })
      await alice.hears(named('ai-run-end', { 'run-id': runId }))
      // Long enough for a second run to appear
      await new Promise((resolve) => setTimeout(resolve, 100))
      const heard = alice.heard.slice(from)
      expect(heard.filter(isAnnouncement)).toHaveLength(1)
      expect(new Set(heard.filter(named('ai-run-end')).map((end) => transportOf(end)['run-id']))).toEqual(
        new Set([runId]),
      )
    }
  })

  it('S51 woken at once by the same answer resume one run, once', async () => {
    const agents = await Promise.all([startAgentProcess(endpoint), startAgentProcess(endpoint)])
    const { name, alice, started, session } = await setStage(endpoint)
    const run = await started('Where am I?')
    await run.pipe(asking('call-1'))
    await run.end()
    await session.detach()
    const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
    const { inputEventId } = await answerTo(alice, { runId: run.runId, reply, toolCallId: 'call-1', output: 'Oslo' })
    const invocation = { inputEventId, sessionName: name }
    const answers = await Promise.all(agents.map((agent) => agent.wake(invocation)))
    expect(answers.map(({ body }) => body.runId)).toEqual([run.runId, run.runId])
    expect(statusesOf(answers)).toEqual([200, 202])
    await alice.hears(named('ai-run-end'))
    expect(alice.heard.filter(named('ai-run-resume'))).toHaveLength(1)
    const again = await agents[0].wake(invocation)
    expect(again.body).toMatchObject({ runId: run.runId })
    expect(alice.heard.filter(named('ai-run-resume'))).toHaveLength(1)
  })
})

describe('an agent process', () => {
  it('S51 that gets the same invocation five times starts one run, and every response names it', async () => {
    const agent = await startAgentProcess(endpoint)
    const { name, alice } = await setStage(endpoint)
    const { inputEventId } = await alice.prompt('Hello')
    const invocation = { inputEventId, sessionName: name }
    const answers = await Promise.all(Array.from({ length: 5 }, () => agent.wake(invocation)))
    expect(new Set(answers.map(({ body }) => body.runId)).size).toBe(1)
    await alice.hears(named('ai-run-end'))
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(1)
    const restarted = await startAgentProcess(endpoint)
    const late = await restarted.wake(invocation)
    expect(late).toMatchObject({ status: 200, body: { runId: answers[0]!.body.runId, handled: true } })
    expect(alice.heard.filter(named('ai-run-start'))).toHaveLength(1)
  })

  it('that is killed in the middle of a reply leaves the text and an active run; a restarted one notes this for the model', async () => {
    const agent = await startAgentProcess(endpoint)
    const { name, alice, readBack } = await setStage(endpoint)
    const { inputId, inputEventId } = await alice.prompt('Count slowly')
    const { body } = await agent.wake({ inputEventId, sessionName: name })
    await eventually(async () => expect((await readBack(body.runId)).texts.join('')).toContain('w9 '))
    await agent.kill()
    const left = await readBack(body.runId)
    expect(left.status).toBe('active')
    expect(left.texts[0]).toMatch(/^w0 w1 w2 /)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await readBack(body.runId)).toEqual(left)

    const restarted = await startAgentProcess(endpoint)
    const reply = transportOf(await alice.hears(named('ai-output')))['codec-message-id']!
    const next = await alice.prompt('And now?', { parent: reply })
    const answer = await restarted.wake({ inputEventId: next.inputEventId, sessionName: name })
    expect(answer.status).toBe(202)
    await alice.hears(named('ai-run-end', { 'run-id': answer.body.runId }))
    const { status, texts } = await readBack(answer.body.runId)
    expect(status).toBe('complete')
    expect(texts[0]).toContain('user: Count slowly')
    expect(texts[0]).toContain(`assistant: ${left.texts[0]!.trimEnd()}`)
    expect(texts[0]).toContain('user: And now?')
    expect(inputId).not.toBe(next.inputId)
    expect((await readBack(body.runId)).status).toBe('active')
  })
})
