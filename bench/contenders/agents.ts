import type { UIMessageChunk } from 'ai'
import { Invocation as PeerInvocation } from '@ably/ai-transport'
import { createAgentSession as createPeerSession } from '@ably/ai-transport/vercel'
import { fakeAbly, type FakeChannel } from '../../test/support/fake-ably.ts'
import type { Ours } from '../ours.ts'

/** An agent that will answer the next prompt on the channel. */
export interface OpenReply {
  readonly abortSignal: AbortSignal
  /** Publishes a whole stream. */
  pipe(stream: ReadableStream<UIMessageChunk>): Promise<unknown>
  close(): Promise<unknown>
}

/** One of the compared agents. */
export interface AgentContender {
  readonly name: string
  /** Starts a run for the prompt with this event id; `deliver` puts the prompt on the channel. */
  answer(channel: FakeChannel, eventId: string, deliver: () => void): Promise<OpenReply>
}

/** @param maxRate - `Infinity` publishes each token for itself, as the others do */
export const ourAgent = ({ agent }: Ours, maxRate?: number): AgentContender => ({
  name: maxRate === undefined ? 'ours' : 'ours, unpaced',
  async answer(channel, eventId, deliver) {
    const client = fakeAbly(channel, 'agent')
    const session = agent.createAgentSession({ client, sessionName: channel.name, ...(maxRate && { maxRate }) })
    await session.connect()
    deliver()
    const run = session.createRun(agent.Invocation.fromJSON({ inputEventId: eventId, sessionName: channel.name }))
    await run.start()
    return { abortSignal: run.abortSignal, pipe: (stream) => run.pipe(stream), close: () => session.end() }
  },
})

export const peerAgent: AgentContender = {
  name: '@ably/ai-transport',
  async answer(channel, eventId, deliver) {
    const session = createPeerSession({ client: fakeAbly(channel, 'agent'), channelName: channel.name })
    await session.connect()
    deliver()
    const run = session.createRun(PeerInvocation.fromJSON({ inputEventId: eventId, sessionName: channel.name }))
    await run.start()
    return { abortSignal: run.abortSignal, pipe: (stream) => run.pipe(stream), close: () => session.end() }
  },
}

/** Reads the stream and appends its text; any cancel aborts it. */
export const agentFloor: AgentContender = {
  name: 'hand-written floor',
  async answer(channel, _, deliver) {
    deliver()
    const controller = new AbortController()
    await channel.subscribe(({ name }) => {
      if (name === 'ai-cancel') controller.abort()
    })
    return {
      abortSignal: controller.signal,
      async pipe(stream) {
        const extras = { ai: { transport: { stream: 'true', status: 'streaming' }, codec: { kind: 'text' } } }
        const { serials } = await channel.publish({ name: 'ai-output', data: '', extras })
        const serial = serials[0]!
        const pending: Promise<unknown>[] = []
        for await (const chunk of stream) {
          if (chunk.type === 'text-delta') pending.push(channel.appendMessage({ serial, data: chunk.delta, extras }))
        }
        await Promise.all(pending)
      },
      close: async () => undefined,
    }
  },
}
