import { expect, it, onTestFinished, vi } from 'vitest'
import { effectScope } from 'vue'
import { createClientSession, UIMessageCodec, useRuns } from '../../src'
import { joinWire, named } from '../support/agent'
import { startAgentProcess } from '../support/agent-process'
import { startEndpoint } from '../support/local'

/** Waits for the network while the clock stands still. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate)
}

it('S31 a run whose agent is killed shows as stalled within 25 seconds, and not before 20', async () => {
  // NOTE: the clock of the service and of the clients is the test's, so that no machine is too slow for this
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    shouldAdvanceTime: true,
  })
  onTestFinished(() => void vi.useRealTimers())
  const endpoint = await startEndpoint()
  // The time for which Ably keeps members of a lost connection
  const agent = await startAgentProcess(endpoint, { remainPresentFor: 15_000 })
  const name = 'ai:stalled-in-time'
  const session = createClientSession({
    client: endpoint.client({ clientId: 'alice' }),
    sessionName: name,
    codec: UIMessageCodec,
    agent: agent.url,
    agents: 'agent',
  })
  await session.connect()
  const scope = effectScope()
  const { runs } = scope.run(() => useRuns({ session }))!
  onTestFinished(async () => {
    scope.stop()
    await session.close()
  })
  const { heard, channel } = await joinWire(endpoint.client({ clientId: 'carol' }), name)
  const sent = await session.view.send('Count slowly')
  await until(() => heard.some(named('ai-output', { 'run-id': sent.runId })))
  const status = () => runs.value.map(({ status, stalled }) => [status, stalled])
  await until(() => runs.value.length === 1)
  const connections = async () =>
    (await endpoint.rest().channels.get(name).status()).status.occupancy.metrics.connections
  const before = await connections()

  vi.setTimerTickMode('manual')
  await agent.kill()
  await until(async () => (await connections()) < before)
  const shown = []
  for (let second = 1; second <= 25; second++) {
    await vi.advanceTimersByTimeAsync(1000)
    if (second === 15) await until(async () => (await channel.presence.get()).length === 0)
    shown.push(status())
  }
  expect(shown.slice(0, 19)).toEqual(Array.from({ length: 19 }, () => [['active', undefined]]))
  await until(() => runs.value[0]!.stalled === true)
  expect(status()).toEqual([['active', true]])
  expect(session.view.isRunning).toBe(false)
})
