import { queryObjects } from 'node:v8'
import { beforeAll, expect, it } from 'vitest'
import { AgentChannel } from '../../src/agent/channel'
import { ChannelRun } from '../../src/agent/channel-run'
import { MessageWriter } from '../../src/agent/message-writer'
import { RunNode } from '../../src/core/run-node'
import { Tree } from '../../src/core/tree'
import { joinWire, named, textChunks } from '../support/agent'
import { eventually } from '../support/eventually'
import { startEndpoint, type TestEndpoint } from '../support/local'
import { agentOn } from '../support/woken-agent'

const kinds = [AgentChannel, Tree, RunNode, ChannelRun, MessageWriter] as const

/** The first class with objects in memory after a collection; a count is half a second of work, so it is the last one. */
const kept = (): string | undefined => kinds.find((kind) => queryObjects(kind, { format: 'count' }) > 0)?.name

let endpoint: TestEndpoint
beforeAll(async () => {
  endpoint = await startEndpoint({}, { until: 'file' })
})

it('an agent keeps nothing of a session after its last run, however many it has answered, and can answer again', async () => {
  const agentClient = endpoint.client({ clientId: 'agent' })
  const { agent } = agentOn('', endpoint, {
    client: () => agentClient,
    maxRate: Infinity,
    respond: async (run) => {
      run.context()
      await run.pipe(textChunks(['Hello ', 'again']))
    },
  })
  const client = endpoint.client({ clientId: 'alice' })
  const answer = async (sessionName: string, count: number): Promise<void> => {
    const alice = await joinWire(client, sessionName)
    for (let index = 0; index < count; index++) {
      const { inputEventId } = await alice.prompt(`Question ${index}`)
      const body = JSON.stringify({ inputEventId, sessionName })
      const headers = { 'content-type': 'application/json' }
      await agent.fetch(new Request('http://agent.test/', { method: 'POST', headers, body }))
      await eventually(() => expect(alice.heard.filter(named('ai-run-end'))).toHaveLength(index + 1))
    }
  }
  const released = () => eventually(() => expect(Object.keys(agentClient.channels.all)).toEqual([]))
  expect(kept()).toBeUndefined()
  await Promise.all([answer('ai:memory-long', 12), answer('ai:memory-short', 1)])
  expect(kept()).toBeDefined()
  await released()
  await eventually(() => expect(kept()).toBeUndefined())
  await answer('ai:memory-again', 1)
  expect(kept()).toBeDefined()
  await agent.close()
  await released()
  await eventually(() => expect(kept()).toBeUndefined())
})
