import type * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { createAgentSession, Invocation, type AgentRun, type AgentSession, type RunHooks } from '../../src/agent'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { joinWire, textChunks, type WireClient } from './agent'
import type { TestEndpoint } from './local'

/** A session with a client, alice, and an agent. */
export interface Stage {
  name: string
  alice: WireClient
  agentClient: Ably.Realtime
  session: AgentSession<UIMessage, UIMessageChunk>
  create(inputEventId: string, hooks?: RunHooks<UIMessageChunk>): AgentRun<UIMessage, UIMessageChunk>
  /** A run that has started, for a prompt of alice. */
  started(
    text: string | string[],
    hooks?: RunHooks<UIMessageChunk>,
    headers?: Record<string, string>,
  ): Promise<AgentRun<UIMessage, UIMessageChunk>>
  /** The messages of a run as a new client reads them from history. */
  readBack(runId: string): Promise<{ status: string; texts: string[] }>
}

let count = 0

export async function setStage(
  endpoint: TestEndpoint,
  { name = `ai:stage-${++count}`, historyPageSize = 100 } = {},
): Promise<Stage> {
  const alice = await joinWire(endpoint.client({ clientId: 'alice' }), name)
  const agentClient = endpoint.client({ clientId: 'agent' })
  const session = createAgentSession({ client: agentClient, sessionName: name, historyPageSize })
  const create: Stage['create'] = (inputEventId, hooks) =>
    session.createRun(Invocation.fromJSON({ inputEventId, sessionName: name }), hooks)
  return {
    name,
    alice,
    agentClient,
    session,
    create,
    async started(text, hooks, headers) {
      const { inputEventId } = await alice.prompt(text, headers)
      const run = create(inputEventId, hooks)
      await run.start()
      return run
    },
    readBack: (runId) => readBack(alice.channel, runId),
  }
}

async function readBack(channel: Ably.RealtimeChannel, runId: string): Promise<{ status: string; texts: string[] }> {
  const tree = new Tree<UIMessage>(UIMessageCodec)
  let page: Ably.PaginatedResult<Ably.InboundMessage> | null = await channel.history({ limit: 1000 })
  for (; page; page = page.hasNext() ? await page.next() : null) page.items.forEach((message) => tree.apply(message))
  tree.settle()
  const node = tree.runs.get(runId)
  if (!node) return { status: 'unknown', texts: [] }
  return { status: node.state.status, texts: Array.from(node.ids, (id) => textOf(node.message(id)!)) }
}

export const textOf = ({ parts }: UIMessage): string =>
  parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('|')

export const said = (messages: readonly UIMessage[]): string[] =>
  messages.map((message) => `${message.role}: ${textOf(message)}`)

export const delta = (text: string): UIMessageChunk => ({ type: 'text-delta', id: 't1', delta: text })

/** The first chunks of a reply whose text stays open. */
export const beginning = (text: string): UIMessageChunk[] => [...textChunks([]).slice(0, 3), delta(text)]
