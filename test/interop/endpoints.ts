import { Invocation, type InvocationData } from '@ably/ai-transport'
import { createAgentSession, vercelRunOutcome } from '@ably/ai-transport/vercel'
import type * as Ably from 'ably'
import { convertToModelMessages, streamText, type LanguageModel } from 'ai'
import { onTestFinished } from 'vitest'
import { defineAgent } from '../../src/agent'
import { tools } from './model'

type Fetch = (url: RequestInfo | URL, init?: RequestInit) => Promise<Response>

/** An HTTP endpoint with the peer's agent, written like the introduction of that package. */
export function peerEndpoint(connect: () => Ably.Realtime, model: LanguageModel): Fetch {
  const work: Promise<void>[] = []
  onTestFinished(async () => void (await Promise.all(work)))
  return async (url, init) => {
    const request = new Request(url, init)
    const invocation = Invocation.fromJSON((await request.json()) as InvocationData)
    // NOTE: one client each, because the end of a session detaches the channel of the next one on the same
    // client
    const session = createAgentSession({ client: connect(), channelName: invocation.sessionName })
    await session.connect()
    const run = session.createRun(invocation, undefined, { signal: request.signal })
    const answer = async (): Promise<void> => {
      while (run.view.hasOlder()) await run.view.loadOlder()
      await run.start()
      const messages = await convertToModelMessages(run.view.getMessages().map(({ message }) => message))
      const result = streamText({ model, messages, abortSignal: run.abortSignal, onError: () => undefined })
      const outcome = await vercelRunOutcome(await run.pipe(result.toUIMessageStream()), result.finishReason)
      await (outcome.reason === 'suspend' ? run.suspend() : run.end(outcome))
      await session.end()
    }
    work.push(answer())
    return Response.json({ runId: run.runId, invocationId: run.invocationId })
  }
}

/** An HTTP endpoint with our agent. */
export function ourEndpoint(client: Ably.Realtime, model: LanguageModel): Fetch {
  const agent = defineAgent({
    client: () => client,
    authorize: () => true,
    onError: () => undefined,
    async respond(run) {
      const messages = await convertToModelMessages(run.context())
      const result = streamText({ model, tools, messages, abortSignal: run.abortSignal, onError: () => undefined })
      await run.pipe(result.toUIMessageStream())
    },
  })
  return (url, init) => agent.fetch(new Request(url, init))
}
