import * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { defineEventHandler, toWebRequest, type EventHandler, type H3Event } from 'h3'
import { useNitroApp } from '#imports'
import { defineAgent, type Agent, type AgentOptions } from 'vue-ai-transport/agent'
import { serverOptions, useAblyOptions } from './ably'

/** Options of an agent in Nuxt: those of `defineAgent`, with a client of its own and the event of each request. */
export interface AgentHandlerOptions<M extends object, Chunk> extends Omit<
  AgentOptions<M, Chunk>,
  'authorize' | 'client'
> {
  /**
   * Creates the agent's client. @default one with the key of the runtime config, and the client id of
   * `aiTransport.agents`
   */
  client?: AgentOptions<M, Chunk>['client']
  /**
   * Decides whether the user of a request may have a prompt of this session answered. Without it every request is
   * refused, except in `nuxt dev`.
   */
  authorize?: (event: H3Event, sessionName: string) => boolean | Promise<boolean>
}

/**
 * The route of an agent. Runs go on after the response, under the platform's `waitUntil`; when the server closes, they
 * end as cancelled.
 *
 * @param agent - its options, or an agent of `defineAgent`
 * @example
 * // server/api/agent.post.ts
 * export default defineAgentHandler({
 *   authorize: async (event, sessionName) => sessionName.startsWith(`ai:${await userOf(event)}:`),
 *   async respond(run) {
 *     const messages = await convertToModelMessages(run.context())
 *     const result = streamText({ model, messages, abortSignal: run.abortSignal })
 *     await run.pipe(result.toUIMessageStream())
 *   },
 * })
 */
export function defineAgentHandler<M extends object = UIMessage, Chunk = UIMessageChunk>(
  agent: Agent | AgentHandlerOptions<M, Chunk>,
): EventHandler {
  const events = new WeakMap<Request, H3Event>()
  let made: Agent | undefined
  /** NOTE: made on the first request, because some platforms have no runtime config before */
  const make = (): Agent => {
    const own = 'fetch' in agent ? agent : agentOf(agent, (request) => events.get(request)!)
    useNitroApp().hooks.hook('close', () => own.close())
    return own
  }
  return defineEventHandler((event) => {
    const request = toWebRequest(event)
    events.set(request, event)
    return (made ??= make()).fetch(request, { waitUntil: (promise) => event.waitUntil(promise) })
  })
}

function agentOf<M extends object, Chunk>(
  options: AgentHandlerOptions<M, Chunk>,
  eventOf: (request: Request) => H3Event,
): Agent {
  const { agents } = serverOptions()
  const [clientId = 'agent'] = [agents].flat()
  const { authorize = import.meta.dev ? allowInDevelopment : undefined } = options
  return defineAgent<M, Chunk>({
    client: () => new Ably.Realtime({ ...useAblyOptions(), clientId }),
    agents: [agents].flat(),
    ...options,
    authorize: authorize && ((request, { sessionName }) => authorize(eventOf(request), sessionName)),
  })
}

let hasWarned = false

/** Takes the place of an agent's `authorize` in `nuxt dev`, with one warning. */
function allowInDevelopment(): boolean {
  if (!hasWarned) {
    console.warn(
      '[vue-ai-transport] defineAgentHandler() has no "authorize": the built app will refuse every prompt. Add authorize(event, sessionName) that checks who may use the session.',
    )
  }
  return (hasWarned = true)
}
