import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import * as Ably from 'ably'
import { convertToModelMessages, streamText } from 'ai'
import { defineAgent, tokenRoute, type Agent, type FetchContext } from 'vue-ai-transport/agent'

/** The bindings of `wrangler.jsonc`. */
interface Env {
  ABLY_API_KEY: string
  /** With a port, the endpoint of `npm run local` takes Ably's place. */
  ABLY_PORT?: string
  /** The address and the key of a model service with the API of OpenAI. */
  MODEL_URL: string
  MODEL_KEY: string
  AGENT: {
    idFromName(name: string): unknown
    get(id: unknown): { fetch(request: Request): Promise<Response> }
  }
}

/** The user of a request. Read your session cookie here. */
const userOf = (request: Request) => request.headers.get('x-user')

/**
 * Answers the prompts of one user. Workers cannot share a connection between requests, and the requests of one Durable
 * Object can: so all runs of a user have one connection to Ably.
 */
export class UserAgent {
  #context: FetchContext
  #agent: Agent

  constructor(context: FetchContext, { ABLY_API_KEY, ABLY_PORT, MODEL_URL, MODEL_KEY }: Env) {
    const local = ABLY_PORT ? { endpoint: '127.0.0.1', port: Number(ABLY_PORT), tls: false } : {}
    const models = createOpenAICompatible({ name: 'models', baseURL: MODEL_URL, apiKey: MODEL_KEY })
    this.#context = context
    this.#agent = defineAgent({
      client: () => new Ably.Realtime({ key: ABLY_API_KEY, clientId: 'agent', ...local }),
      agents: 'agent',
      authorize: (request, { sessionName }) => sessionName.startsWith(`ai:${userOf(request)}:`),
      async respond(run) {
        const messages = await convertToModelMessages(run.context())
        const result = streamText({ model: models('small'), messages, abortSignal: run.abortSignal })
        await run.pipe(result.toUIMessageStream())
      },
    })
  }

  fetch(request: Request): Promise<Response> {
    return this.#agent.fetch(request, this.#context)
  }
}

export default {
  fetch(request: Request, { ABLY_API_KEY, AGENT }: Env): Promise<Response> | Response {
    const { pathname } = new URL(request.url)
    if (pathname === '/api/ably/token') {
      return tokenRoute({ key: ABLY_API_KEY, user: userOf, sessions: (user) => [`ai:${user}:*`] })(request)
    }
    if (pathname !== '/api/agent') return new Response('Not found', { status: 404 })
    const user = userOf(request)
    return user ? AGENT.get(AGENT.idFromName(user)).fetch(request) : new Response('Sign in first', { status: 401 })
  },
}
