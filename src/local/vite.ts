import { styleText } from 'node:util'
import type { Plugin, PreviewServer, ViteDevServer } from 'vite'
import type { LocalClientOptions } from './access'
import { tokenRoute } from './http/token-route'
import { createMount, type MountedEndpoint } from './mount'
import type { ServiceOptions } from './app'
import { localNotice, noticeTitle } from './notice'
import { describeAgents, serveAgents, type AgentFiles } from './vite-agents'

/** Options of the endpoint on the dev server. */
export interface LocalAblyOptions extends ServiceOptions {
  /**
   * A file with an agent as its default export, served on `/api/agent`; or several, by path. It is loaded through Vite:
   * an edit replaces the agent for the runs to come, and conversations stay. Runs under way finish with the code that
   * began them. In the file, `clientOptions()` of `virtual:local-ably` has the options of the agent's client.
   *
   * @example
   * localAbly({ agent: './server/agent.ts' })
   * @example
   * localAbly({ agent: { '/api/chat': './server/chat.ts', '/api/scribe': './server/scribe.ts' } })
   */
  agent?: AgentFiles
  /** Path of the token route. @default '/api/ably/token' */
  tokenPath?: string
  /** Client id of the agent; the token route never issues a token for it. @default 'agent' */
  agentClientId?: string
  /** Upper bound of a browser token's capability. @default subscribe, publish, history and presence on `ai:*` */
  capability?: Record<string, readonly string[]>
}

/** The plugin, with access to its endpoint. */
export interface LocalAblyPlugin extends Plugin {
  /** The endpoint, with its test controls. It has an address once `endpoint.ready` resolves. */
  readonly endpoint: Omit<MountedEndpoint, 'middleware' | 'close'>
  /**
   * Options for the agent's Ably client, in this process.
   * @throws Error before the server listens
   */
  agentOptions(): LocalClientOptions
}

const VIRTUAL = 'virtual:local-ably'

const noServer =
  '[vue-ai-transport] localAbly() cannot accept connections: Vite has no HTTP server of its own here. Start ' +
  '"npx vue-ai-transport local" beside it, or call mountLocalEndpoint(server) from vue-ai-transport/local.'

const browserCapability = { 'ai:*': ['subscribe', 'publish', 'history', 'presence'] }

/**
 * Vite plugin that puts a local endpoint and a token route on the dev server (and `vite preview`): page, endpoint and
 * routes share one port, and the key stays on the server.
 *
 * Pages import `clientOptions(clientId?)` from `virtual:local-ably`. Paths `/channels/*`, `/keys/*`, `/time` and
 * `/stats` belong to the endpoint, except for a browser that opens them as pages.
 *
 * @example
 * // vite.config.ts
 * const ably = localAbly()
 * export default defineConfig({ plugins: [vue(), ably, myAgent({ clientOptions: ably.agentOptions })] })
 *
 * @example
 * // in the page
 * import { clientOptions } from 'virtual:local-ably'
 * const client = new Ably.Realtime(clientOptions('bob'))
 */
export function localAbly(options: LocalAblyOptions = {}): LocalAblyPlugin {
  const {
    agent,
    tokenPath = '/api/ably/token',
    agentClientId = 'agent',
    capability = browserCapability,
    ...serviceOptions
  } = options
  const { service, endpoint, attach } = createMount(serviceOptions)
  const routeOptions = { path: tokenPath, agentClientId, capability }

  const serverOptions = serverModule((clientId = agentClientId) => endpoint.clientOptions({ clientId }))
  const virtual = {
    name: 'vue-ai-transport:virtual',
    resolveId: (id: string) => (id === VIRTUAL ? `\0${VIRTUAL}` : undefined),
    load(id: string, { ssr = true }: { ssr?: boolean } = {}) {
      if (id === `\0${VIRTUAL}`) return ssr ? serverOptions : browserModule(tokenPath)
      return undefined
    },
  }

  const mount = (server: ViteDevServer | PreviewServer) => {
    const { middlewares, httpServer, config } = server
    middlewares.use(endpoint.middleware)
    middlewares.use(tokenRoute(service, routeOptions))
    if (agent) serveAgents(server, agent, virtual)
    // NOTE: in middleware mode the server belongs to the app
    if (httpServer) attach(httpServer)
    else config.logger.warn(noServer)
    printNotice(server, agent)
  }
  return {
    name: 'vue-ai-transport:local-ably',
    endpoint,
    agentOptions: () => endpoint.clientOptions({ clientId: agentClientId }),
    configureServer: (server) => mount(server),
    configurePreviewServer: (server) => mount(server),
    resolveId: virtual.resolveId,
    load: (id, options) => virtual.load(id, { ssr: options?.ssr === true }),
  }
}

/** Adds a line about the endpoint to the addresses that Vite prints, in the style of its own lines. */
function printNotice(server: ViteDevServer | PreviewServer, agent: AgentFiles | undefined): void {
  const words = agent ? `${localNotice}; ${describeAgents(agent)}` : localNotice
  const { printUrls } = server
  server.printUrls = () => {
    printUrls()
    server.config.logger.info(`  ${styleText('green', '➜')}  ${styleText('bold', noticeTitle)}: ${words}`)
  }
}

const shared = Symbol.for('vue-ai-transport:local-ably')
let count = 0

/** The module for code on the server, which runs in this process. */
function serverModule(clientOptions: (clientId?: string) => LocalClientOptions): string {
  const all = ((globalThis as Record<symbol, unknown>)[shared] ??= []) as (typeof clientOptions)[]
  all[++count] = clientOptions
  return `export const clientOptions = globalThis[Symbol.for('vue-ai-transport:local-ably')][${count}]`
}

// NOTE: the page knows best where its server is, so the address is read there
const browserModule = (tokenPath: string) => `
export function clientOptions(clientId) {
  const tls = location.protocol === 'https:'
  const port = Number(location.port) || (tls ? 443 : 80)
  return {
    authUrl: location.origin + ${JSON.stringify(tokenPath)},
    ...(clientId ? { clientId, authParams: { clientId } } : {}),
    endpoint: location.hostname,
    port,
    tlsPort: port,
    tls,
    transports: ['web_socket'],
    disableConnectivityCheck: true,
  }
}
`
