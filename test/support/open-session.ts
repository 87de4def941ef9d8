import type { UIMessage } from 'ai'
import { onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec, type AgentTarget, type ClientSession } from '../../src'
import type { Conversation } from './conversation'

/** Opens a conversation's session on a device; it is closed after the test. */
export async function openSession(
  { endpoint, agent }: Conversation,
  clientId: string,
  options: { agent?: AgentTarget; historyPageSize?: number } = {},
): Promise<ClientSession<UIMessage>> {
  const session = createClientSession({
    client: endpoint.client({ clientId }),
    channelName: agent.channel.name,
    codec: UIMessageCodec,
    ...options,
  })
  onTestFinished(() => session.close())
  await session.connect()
  return session
}
