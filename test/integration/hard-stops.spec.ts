import { expect, it } from 'vitest'
import { joinWire, named } from '../support/agent'
import { setStage } from '../support/agent-stage'
import { infoOf, useDeadAgents } from '../support/dead-agents'
import { eventually } from '../support/eventually'
import { handAgent } from '../support/hand-agent'
import { asking } from '../support/tools'
import { agentOn } from '../support/woken-agent'

const place = useDeadAgents()
const { skip, hurry, newName, open } = place

/** A run that waits for a tool, and whose agent is gone. */
async function suspended() {
  const stage = await setStage(place.endpoint)
  const run = await stage.started('Where am I?')
  await run.pipe(asking('call-1'))
  await run.end()
  await stage.session.detach()
  return { ...stage, run }
}

/** Publishes messages that no agent reads, as another part of the app may do. */
async function publishOthers(name: string, count: number) {
  const channel = place.endpoint.rest().channels.get(name)
  for (let left = count; left > 0; left -= 100)
    await channel.publish(Array.from({ length: 100 }, () => ({ name: 'reaction', data: '+1' })))
}

it('S31 a Stop that names only the prompt ends its run, however many messages came between', async () => {
  const { name, alice, run } = await suspended()
  await publishOthers(name, 2500)
  const { wake } = agentOn(name, place.endpoint, { respond: () => undefined })
  const cancelled = await alice.cancel({ inputId: run.inputId! })
  expect(await wake(cancelled)).toMatchObject({ status: 200, body: { runId: run.runId } })
  await alice.hears(named('ai-run-end', { 'run-id': run.runId, 'run-reason': 'cancelled' }))
})

it('S31 a Stop on which onCancel never decides: the user is told so, and not that the agent is away', async () => {
  const { name } = await suspended()
  const { agent } = agentOn(name, place.endpoint, {
    onCancel: () => new Promise(() => undefined),
    respond: () => undefined,
  })
  const alice = await open(name, 'alice', { wake: (request) => agent.fetch(request) })
  await alice.view.loadUntil(() => false)
  const { runId } = alice.runs('session')[0]!
  await alice.cancel(runId)
  const message = () => infoOf(alice, runId)?.cancelling?.wake?.error?.message
  await eventually(() => expect(message()).toBeDefined())
  expect(message()).toContain('the hook for cancels has not decided')
})

it('S31 a Stop whose device was closed at once is settled by another device, which shows no wake of its own', async () => {
  const { name, alice, run } = await suspended()
  await alice.cancel({ runId: run.runId })
  await alice.channel.detach()
  const { agent } = agentOn(name, place.endpoint, { respond: () => undefined })
  const bob = await open(name, 'bob', { wake: (request) => agent.fetch(request) })
  await bob.view.loadUntil(() => false)
  expect(infoOf(bob, run.runId)).toMatchObject({ status: 'suspended', cancelling: { by: 'alice' } })
  hurry()
  await eventually(() => expect(infoOf(bob, run.runId)?.status).toBe('cancelled'))
  expect(bob.error).toBeUndefined()
})

it('an archive that cannot be read does not keep an agent from ending the dead runs that Ably knows', async () => {
  const name = newName()
  const { heard, hears, prompt, cancel } = await joinWire(place.endpoint.client({ clientId: 'alice' }), name)
  const { inputId } = await prompt('Hello')
  const killed = place.endpoint.client({ clientId: 'agent' })
  for (const runId of ['stopped', 'dead'])
    await handAgent(killed, name).startRun(runId, inputId, 'alice', { 'agent-presence': 'true' })
  skip(121_000)
  const errors: unknown[] = []
  const { wake } = agentOn(name, place.endpoint, {
    archive: { read: () => Promise.reject(new Error('the database is down')), write: async () => undefined },
    onError: (error) => errors.push(error),
    respond: () => undefined,
  })
  await wake(await cancel({ runId: 'stopped' }))
  await hears(named('ai-run-end', { 'run-id': 'dead', 'run-reason': 'error' }))
  expect(heard.filter(named('ai-run-end'))).toHaveLength(2)
  await eventually(() =>
    expect(errors).toMatchObject([{ message: 'unable to read the archive; the database is down' }]),
  )
})
