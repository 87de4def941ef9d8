import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src'
import { joinWire, named } from '../support/agent'
import { startAgentProcess, type AgentProcess } from '../support/agent-process'
import { textOf } from '../support/agent-stage'
import { infoOf, useDeadAgents } from '../support/dead-agents'
import { eventually } from '../support/eventually'

const place = useDeadAgents()
const { newName, open } = place

/** A suspended run of a process that cannot hear, or has ended. `recover` undoes that. */
async function suspendedRun(how: string) {
  const first = await startAgentProcess(place.endpoint)
  let agent = first
  const name = newName()
  const alice = await open(name, 'alice', { agent: () => agent })
  const { heard, hears } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
  const run = await alice.view.send('Where am I?')
  await eventually(() => expect(run.status).toBe('suspended'))
  const { connectionId } = await hears(named('ai-run-suspend'))
  let restore = (): void => undefined
  if (how === 'is frozen') first.freeze()
  if (how === 'has no network')
    restore = place.endpoint.dropConnection((caller) => caller.connectionId === connectionId, { refuseFor: Infinity })
  if (how === 'was killed') await first.kill()
  if (how === 'got SIGTERM') await first.terminate()
  agent = await startAgentProcess(place.endpoint)
  const recover = (): void => {
    if (how === 'is frozen') first.thaw()
    restore()
  }
  const endsOf = () => heard.filter(named('ai-run-end', { 'run-id': run.runId }))
  return { alice, run, hears, endsOf, recover }
}

describe.for(['got SIGTERM', 'was killed', 'is frozen', 'has no network'])(
  'a suspended run whose agent process %s',
  (how) => {
    it('S31 waits on, and a Stop ends it as cancelled, once', async () => {
      const { alice, run, endsOf, recover } = await suspendedRun(how)
      expect(infoOf(alice, run.runId)).toMatchObject({ status: 'suspended' })
      await run.cancel()
      await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
      recover()
      await expect((await alice.view.send('Hello')).finished).resolves.toEqual({ reason: 'complete' })
      expect(endsOf()).toHaveLength(1)
      expect(infoOf(alice, run.runId)).toMatchObject({ status: 'cancelled' })
    })

    it('waits on, and an answer resumes it in another process, once', async () => {
      const { alice, run, endsOf, recover } = await suspendedRun(how)
      const { id } = alice.view.getMessages().at(-1)!
      await alice.view.answer(id, UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output: 'Lisbon' }))
      await expect(run.finished).resolves.toEqual({ reason: 'complete' })
      recover()
      await expect((await alice.view.send('Hello')).finished).resolves.toEqual({ reason: 'complete' })
      expect(endsOf()).toHaveLength(1)
      expect(
        alice.view
          .getMessages()
          .map(({ message }) => textOf(message))
          .join(' '),
      ).toContain('Where am I?')
    })
  },
)

it('S31 a Stop of a suspended run that no agent could hear wins over a later answer of another device', async () => {
  const first = await startAgentProcess(place.endpoint)
  let agent: AgentProcess | undefined = first
  const name = newName()
  const wake = async (request: Request): Promise<Response> =>
    agent
      ? fetch(agent.url, { method: 'POST', headers: request.headers, body: await request.text() })
      : new Response('down', { status: 503 })
  const alice = await open(name, 'alice', { wake })
  const bob = await open(name, 'bob', { wake })
  const { heard, hears } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
  const run = await alice.view.send('Where am I?')
  await eventually(() => expect(infoOf(bob, run.runId)?.status).toBe('suspended'))
  await first.kill()
  agent = undefined
  await run.cancel()
  await eventually(() => expect(infoOf(bob, run.runId)?.cancelling).toMatchObject({ by: 'alice' }))
  const output = UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output: 'Lisbon' })
  const answered = await bob.view.answer(bob.view.getMessages().at(-1)!.id, output)
  agent = await startAgentProcess(place.endpoint)
  await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
  await expect(answered.finished).resolves.toEqual({ reason: 'cancelled' })
  const next = await alice.view.send('Hello')
  await expect(next.finished).resolves.toEqual({ reason: 'complete' })
  await hears(named('ai-run-end', { 'run-id': next.runId }))
  expect(heard.filter(named('ai-run-end', { 'run-id': run.runId }))).toHaveLength(1)
  expect(heard.filter(named('ai-output', { 'run-id': run.runId })).map(({ data }) => String(data)).join(' ')).not.toContain('Lisbon') // prettier-ignore
})
