import * as Ably from 'ably'
import { convertToModelMessages, streamText } from 'ai'
import { defineAgent, tokenRoute } from 'vue-ai-transport/agent'
import { demoModel } from 'vue-ai-transport/local'

const { ABLY_API_KEY = '', ABLY_PORT } = process.env

/** With ABLY_PORT, the endpoint of `npm run local` takes Ably's place. */
const local = ABLY_PORT ? { endpoint: '127.0.0.1', port: Number(ABLY_PORT), tls: false } : {}

/** The user of a request. Read your session cookie here. */
const userOf = (request: Request) => request.headers.get('x-user')

/** Answers prompts: POST /api/agent */
export const agent = defineAgent({
  client: () => new Ably.Realtime({ key: ABLY_API_KEY, clientId: 'agent', ...local }),
  agents: 'agent',
  authorize(request, { sessionName }) {
    const user = userOf(request)
    return user !== null && sessionName.startsWith(`ai:${user}:`)
  },
  async respond(run) {
    const messages = await convertToModelMessages(run.context())
    const result = streamText({ model: demoModel({ delay: 0 }), messages, abortSignal: run.abortSignal })
    await run.pipe(result.toUIMessageStream())
  },
})

/** Issues tokens to browsers: GET /api/ably/token */
export const token = tokenRoute({
  key: ABLY_API_KEY,
  user: userOf,
  sessions: (user) => [`ai:${user}:*`],
})
