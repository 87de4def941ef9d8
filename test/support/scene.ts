import type { RealtimeClient } from 'ably'
import { convertToModelMessages, streamText, type UIMessage } from 'ai'
import { onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec, type ClientSession } from '../../src'
import { defineAgent, type AgentOptions, type AgentRun } from '../../src/agent'
import { HandModel } from './hand-model'
import { joinWire, type WireClient } from './agent'
import { startEndpoint, type TestEndpoint } from './local'
import type { UIMessageChunk } from 'ai'
import type { LocalEndpointOptions } from '../../src/local'

export interface Scene {
  readonly endpoint: TestEndpoint
  readonly channelName: string
  readonly model: HandModel
  /** The runs that the agent answers, in the order of their starts. */
  readonly agentRuns: AgentRun<UIMessage, UIMessageChunk>[]
  /** The agent's endpoint. */
  fetch(url: RequestInfo | URL, init?: RequestInit): Promise<Response>
  /** Opens the session on another device. */
  open(
    clientId: string,
    options?: { wake?: boolean; client?: RealtimeClient; device?: string },
  ): Promise<ClientSession<UIMessage>>
  /** Receives the channel's messages directly. */
  wire(clientId?: string): Promise<WireClient>
  /** Wakes the agent for an input of any client. */
  wake(inputEventId: string): Promise<Response>
}

/** An endpoint, a session's channel, and the real agent with a model whose replies the test streams. */
export async function startScene(
  name: string,
  options: Partial<AgentOptions<UIMessage, UIMessageChunk>> = {},
  endpointOptions: LocalEndpointOptions = {},
): Promise<Scene> {
  const endpoint = await startEndpoint(endpointOptions)
  const channelName = `ai:${name}`
  const model = new HandModel()
  const agentRuns: Scene['agentRuns'] = []
  const agent = defineAgent({
    client: () => endpoint.client({ clientId: 'agent' }),
    authorize: () => true,
    onError: () => undefined,
    async respond(run) {
      agentRuns.push(run)
      const messages = await convertToModelMessages(run.context())
      const result = streamText({ model, messages, abortSignal: run.abortSignal, onError: () => undefined })
      await run.pipe(result.toUIMessageStream({ onError: String }))
    },
    ...options,
  })
  const wake = (url: RequestInfo | URL, init?: RequestInit): Promise<Response> => agent.fetch(new Request(url, init))

  return {
    endpoint,
    channelName,
    model,
    agentRuns,
    fetch: wake,
    async open(clientId, { wake: wakes = true, client = endpoint.client({ clientId }), device } = {}) {
      const session = createClientSession({
        client,
        channelName,
        codec: UIMessageCodec,
        agents: options.agents,
        policy: options.policy,
        device,
        ...(wakes && { agent: { url: 'http://agent.test/', fetch: wake } }),
      })
      onTestFinished(() => session.close())
      await session.connect()
      await session.view.loadOlder(30)
      return session
    },
    wire: (clientId = 'watcher') => joinWire(endpoint.client({ clientId }), channelName),
    wake: (inputEventId) =>
      wake('http://agent.test/', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputEventId, sessionName: channelName }),
      }),
  }
}

/** The visible messages of a session, as `state: text` lines. */
export const shown = (session: ClientSession<UIMessage>): string[] =>
  session.view.getMessages().map(({ message, state }) => `${state}: ${textOf(message)}`)

export const textOf = (message: UIMessage): string =>
  message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** Run statuses, in order. */
export const statuses = (session: ClientSession<UIMessage>): string[] => session.view.runs().map((run) => run.status)
