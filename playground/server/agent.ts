import * as Ably from 'ably'
import { convertToModelMessages, streamText } from 'ai'
import { defineAgent } from 'vue-ai-transport/agent'
import { paceOf } from '../shared/pace'
import { createDemoModel } from './demo-model'

/** The agent of this playground. Put a model of your provider in place of the demo model, and it is one for real. */
export const createAgent = (clientOptions: () => Ably.ClientOptions) =>
  defineAgent({
    client: () => new Ably.Realtime(clientOptions()),
    agents: 'agent',
    // NOTE: whoever can open the playground may ask; an app looks at the request's session cookie here
    authorize: () => true,
    async respond(run) {
      const messages = run.context()
      const result = streamText({
        model: createDemoModel({ tokensPerSecond: paceOf(messages) }),
        messages: await convertToModelMessages(messages),
        abortSignal: run.abortSignal,
        // NOTE: told to whoever asked, by the run's end
        onError: () => {},
      })
      await run.pipe(result.toUIMessageStream({ onError: reasonOf }))
    },
  })

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
