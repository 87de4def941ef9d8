import * as Ably from 'ably'
import type { Plugin, PreviewServer, ViteDevServer } from 'vite'
import { toNodeHandler, tokenRoute } from 'vue-ai-transport/agent'

const virtual = 'virtual:local-ably'
const tokenPath = '/api/ably/token'

/** Connects pages and the agent to Ably itself, in place of the local endpoint. Pages get tokens; the key stays here. */
export function ownAbly(key: string): Plugin & { agentOptions: () => Ably.ClientOptions } {
  const token = tokenRoute({
    key,
    // NOTE: every visitor of the playground names itself; an app checks the request's session cookie here
    user: (request) => new URL(request.url).searchParams.get('clientId'),
    sessions: () => ['ai:*'],
  })
  const handler = toNodeHandler(token)
  const mount = ({ middlewares }: ViteDevServer | PreviewServer) => {
    middlewares.use((request, response, next) => {
      if (request.url?.split('?')[0] !== tokenPath) return next()
      handler(request, response)
    })
  }
  return {
    name: 'own-ably',
    enforce: 'pre',
    agentOptions: () => ({ key, clientId: 'agent' }),
    configureServer: mount,
    configurePreviewServer: mount,
    resolveId: (id) => (id === virtual ? `\0own-ably` : undefined),
    load: (id) =>
      id === `\0own-ably`
        ? `export const clientOptions = (clientId) => ({ authUrl: '${tokenPath}', authParams: { clientId }, clientId })`
        : undefined,
  }
}
