import { convertToModelMessages, streamText } from 'ai'

/** Each prompt wakes the agent here. Its answer goes to Ably, so it does not depend on this request. */
export default defineAgentHandler({
  archive,
  authorize: ownsSession,
  async respond(run) {
    const messages = await convertToModelMessages(run.context())
    const result = streamText({ model, messages, abortSignal: run.abortSignal })
    await run.pipe(result.toUIMessageStream())
  },
})
