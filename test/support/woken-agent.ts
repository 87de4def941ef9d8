import type { UIMessage, UIMessageChunk } from 'ai'
import { defineAgent, type Agent, type AgentOptions, type AgentRun } from '../../src/agent'
import { handFed, joinWire, type HandFed, type WireClient } from './agent'
import type { TestEndpoint } from './local'

export type Run = AgentRun<UIMessage, UIMessageChunk>

interface Answer {
  runId: string
  handled?: true
  error?: { code: number; message: string }
}

const wakerOf = (agent: Agent, sessionName: string) => async (inputEventId: string) => {
  const response = await agent.fetch(
    new Request('http://agent.test/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputEventId, sessionName }),
    }),
  )
  const body = (await response.json()) as Answer
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
}

type Options = AgentOptions<UIMessage, UIMessageChunk>

/** Another agent process for a session. */
export function agentOn(name: string, endpoint: TestEndpoint, options: Pick<Options, 'respond'> & Partial<Options>) {
  const client = () => endpoint.client({ clientId: 'agent' })
  const agent = defineAgent({ client, authorize: () => true, onError: () => undefined, ...options })
  return { agent, wake: wakerOf(agent, name) }
}

let count = 0

/** A session with a client, alice, and an agent endpoint whose replies the test streams. */
export async function wokenAgent(endpoint: TestEndpoint, options: Partial<Options> = {}) {
  const name = `ai:woken-${++count}`
  const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
  const errors: unknown[] = []
  const sources: HandFed[] = []
  const agent = defineAgent({
    client: () => endpoint.client({ clientId: 'agent' }),
    authorize: () => true,
    onError: (error) => errors.push(error),
    respond(run: Run) {
      sources.push(handFed())
      return run.pipe(sources.at(-1)!.stream)
    },
    ...options,
  })
  const wake = wakerOf(agent, name)
  const ask = async (who: WireClient = alice, text = 'Hello') => wake((await who.prompt(text)).inputEventId)
  return { name, alice, agent, errors, sources, wake, ask }
}
