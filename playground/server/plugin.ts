import { setTimeout as sleep } from 'node:timers/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin, ViteDevServer } from 'vite'
import type { LocalAblyPlugin } from 'vue-ai-transport/local/vite'
import type { createAgent } from './agent'

type Agent = ReturnType<typeof createAgent>
type AgentModule = { createAgent: typeof createAgent }

const longestDelay = 30_000

/** Puts the agent on the dev server, and a tunnel to lose one's connection in. */
export function playgroundServer(ably: LocalAblyPlugin): Plugin {
  return {
    name: 'playground',
    configureServer(server) {
      const agent = agentOf(server, ably)
      server.middlewares.use('/api/agent', (request, response) => {
        void answer(response, async () => {
          await sleep(Math.min(Number(request.headers['x-wake-delay']) || 0, longestDelay))
          return (await agent()).fetch(await toRequest(request))
        })
      })
      server.middlewares.use('/api/tunnel', (request, response) => {
        void answer(response, async () => {
          const { clientId, seconds } = (await (await toRequest(request)).json()) as Record<string, unknown>
          ably.endpoint.dropConnection(String(clientId), { refuseFor: Math.min(Number(seconds), 60) * 1000 })
          return new Response(null, { status: 204 })
        })
      })
    },
  }
}

/** The agent as its file is now: an edit makes a new one for the runs to come. */
function agentOf(server: ViteDevServer, ably: LocalAblyPlugin): () => Promise<Agent> {
  let made: { by: AgentModule; agent: Agent } | undefined
  return async () => {
    const by = (await server.ssrLoadModule('/server/agent.ts')) as AgentModule
    if (made?.by !== by) made = { by, agent: by.createAgent(ably.agentOptions) }
    return made.agent
  }
}

async function answer(response: ServerResponse, handle: () => Promise<Response>): Promise<void> {
  const result = await handle().catch((error: unknown) => Response.json({ error: String(error) }, { status: 500 }))
  response.writeHead(result.status, Object.fromEntries(result.headers))
  response.end(Buffer.from(await result.arrayBuffer()))
}

async function toRequest(request: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method, headers, url } = request
  const body = method === 'GET' || method === 'HEAD' ? undefined : Buffer.concat(chunks)
  const headerList = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || name.startsWith(':') ? [] : [[name, String(value)] as [string, string]],
  )
  return new Request(new URL(url ?? '/', `http://${headers.host}`), { method, headers: headerList, body })
}
