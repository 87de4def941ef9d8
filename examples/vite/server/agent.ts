import * as Ably from 'ably'
import { convertToModelMessages, streamText } from 'ai'
import { clientOptions } from 'virtual:local-ably'
import { defineAgent } from 'vue-ai-transport/agent'
import { demoModel } from 'vue-ai-transport/local'

export default defineAgent({
  client: () => new Ably.Realtime(clientOptions()),
  agents: 'agent',
  authorize: () => true, // in production: return whether the user of this request may use the session
  async respond(run) {
    const messages = await convertToModelMessages(run.context())
    const result = streamText({ model: demoModel(), messages, abortSignal: run.abortSignal })
    await run.pipe(result.toUIMessageStream())
  },
})
