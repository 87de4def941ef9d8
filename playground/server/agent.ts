import * as Ably from 'ably'
import { convertToModelMessages, createUIMessageStream, isStepCount, streamText, type UIMessage } from 'ai'
import { defineAgent } from 'vue-ai-transport/agent'
import { paceOf } from '../shared/pace'
import { createDemoModel } from './demo-model'
import { toolApproval, toolsWith } from './tools'

/** The agent of this playground. Put a model of your provider in place of the demo model, and it is one for real. */
export function createAgent(clientOptions: () => Ably.ClientOptions) {
  const spokenTo = new Set<string>()
  return defineAgent({
    client: () => new Ably.Realtime(clientOptions()),
    agents: 'agent',
    // NOTE: whoever can open the playground may ask; an app looks at the request's session cookie here
    authorize: () => true,
    onSteer: ({ runId }) => void spokenTo.add(runId),
    async respond(run) {
      while (run.hasInput()) {
        spokenTo.delete(run.runId)
        const isInterrupted = () => spokenTo.has(run.runId)
        const { reason } = await run.pipe(await answer(run.context(), run.abortSignal, isInterrupted))
        if (reason !== 'complete') break
      }
    },
  })
}

/** What the model answers to a conversation. It ends early when it is interrupted, and is then asked again. */
async function answer(messages: UIMessage[], abortSignal: AbortSignal, isInterrupted: () => boolean) {
  const modelMessages = await convertToModelMessages(messages)
  return createUIMessageStream({
    onError: reasonOf,
    execute({ writer }) {
      const result = streamText({
        model: createDemoModel({ tokensPerSecond: paceOf(messages), isInterrupted }),
        messages: modelMessages,
        tools: toolsWith(writer),
        toolApproval,
        stopWhen: isStepCount(5),
        abortSignal,
        // NOTE: told to whoever asked, by the run's end
        onError: () => {},
      })
      writer.merge(result.toUIMessageStream({ sendSources: true, onError: reasonOf }))
    },
  })
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
