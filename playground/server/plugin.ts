import { setTimeout as sleep } from 'node:timers/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientOptions } from 'ably'
import type { Plugin, PreviewServer, ViteDevServer } from 'vite'
import type { LocalAblyPlugin } from 'vue-ai-transport/local/vite'
import type { FaultOrder } from '../shared/faults'
import { LiveAgent } from './agent-process'
import { FaultFeed } from './fault-feed'
import { Faults } from './faults'
import { Gates, type Allowance } from './gates'

const longestDelay = 30_000

// NOTE: an answer can contain any URL, so the page loads nothing from other hosts. Vite adds styles as style elements.
const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** The service that pages and the agent connect to. */
interface AblyService {
  readonly agentOptions: () => ClientOptions
  /** The local endpoint, on which failures act. */
  readonly endpoint: LocalAblyPlugin['endpoint']
}

/** Adds the agent and the failure controls to the dev server, and to `vite preview`. */
export function playgroundServer(ably: AblyService): Plugin {
  const mount = (server: ViteDevServer | PreviewServer): void => {
    const gates = new Gates()
    server.middlewares.use((_, response, next) => {
      for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
      next()
    })
    const feed = new FaultFeed(() => faults.active)
    const agent: LiveAgent = new LiveAgent(server, ably.agentOptions, { mayStop: () => faults.mayStop(), gates })
    const faults: Faults = new Faults(ably.endpoint, agent, () => feed.send())
    // NOTE: Vite closes the server on SIGTERM, and with it the connections on which the agent ends its runs
    const close = server.close.bind(server)
    server.close = async () => {
      await agent.end()
      feed.close()
      await close()
    }
    server.middlewares.use('/api/agent', (request, response) => {
      void answer(response, async () => {
        await sleep(Math.min(Number(request.headers['x-wake-delay']) || 0, longestDelay))
        const { 'x-gate': gate } = request.headers
        await gates.pass(typeof gate === 'string' ? gate : undefined, 'before')
        return faults.refusal() ?? agent.fetch(await toRequest(request))
      })
    })
    server.middlewares.use('/api/network', (_, response) => {
      const url = server.resolvedUrls?.network[0]
      void answer(response, async () => Response.json({ origin: url && new URL(url).origin }))
    })
    server.middlewares.use('/api/gates/', (request, response) => {
      void answer(response, async () => {
        if (!isFromHere(request)) return new Response(null, { status: 403 })
        const allowance = (await (await toRequest(request)).json()) as Allowance
        gates.allow((request.url ?? '').slice(1), allowance)
        return new Response(null, { status: 204 })
      })
    })
    server.middlewares.use('/api/faults/', (request, response) => {
      if (request.method === 'GET') return feed.add(response)
      void answer(response, async () => {
        if (!isFromHere(request)) return new Response(null, { status: 403 })
        const order = (await (await toRequest(request)).json()) as FaultOrder
        const isKnown = faults.cause((request.url ?? '').slice(1), order)
        return new Response(null, { status: isKnown ? 204 : 404 })
      })
    })
  }
  return { name: 'playground', apply: 'serve', configureServer: mount, configurePreviewServer: mount }
}

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

/** Whether the request comes from a page of this server on this machine. */
const isFromHere = ({ method, socket, headers }: IncomingMessage): boolean =>
  method === 'POST' &&
  loopback.has(socket.remoteAddress ?? '') &&
  (headers.origin === undefined || URL.parse(headers.origin)?.host === headers.host)

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
