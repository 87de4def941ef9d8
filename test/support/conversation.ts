import type * as Ably from 'ably'
import type { LocalEndpointOptions } from '../../src/local'
import { startEndpoint, type TestEndpoint } from './local'
import { handAgent, type HandAgent } from './hand-agent'

/** An endpoint with another client, which writes prompts and plays the agent. */
export interface Conversation {
  endpoint: TestEndpoint
  writer: Ably.Realtime
  agent: HandAgent
  /** Publishes a one-part prompt under this message id. */
  prompt(id: string, text: string, parent?: string): Promise<void>
}

export async function startConversation(channelName: string, options?: LocalEndpointOptions): Promise<Conversation> {
  const endpoint = await startEndpoint(options)
  const writer = endpoint.client({ clientId: 'writer' })
  const channel = writer.channels.get(channelName)
  return {
    endpoint,
    writer,
    agent: handAgent(writer, channelName),
    prompt: async (id, text, parent) => void (await channel.publish([promptMessage(id, text, parent)])),
  }
}

/** A one-part prompt as a client publishes it. */
export const promptMessage = (id: string, text: string, parent?: string) => ({
  name: 'ai-input',
  data: text,
  extras: {
    ai: {
      transport: {
        role: 'user',
        'codec-message-id': id,
        'event-id': `event-${id}`,
        stream: 'false',
        discrete: 'true',
        ...(parent !== undefined && { parent }),
      },
      codec: { kind: 'user-message', messageId: id, partType: 'text' },
    },
  },
})
