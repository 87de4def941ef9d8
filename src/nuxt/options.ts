import type { ClientOptions } from 'ably'
import type { AITransportOptions } from '../store/transport'
import type { LocalEndpointOptions } from '../local'

/** Options of the Nuxt module, under `aiTransport` in `nuxt.config.ts`. None of them is secret. */
export interface ModuleOptions extends Pick<AITransportOptions, 'flush' | 'historyPageSize' | 'linger'> {
  /** URL of the agent, which is woken after each prompt. @default '/api/agent' */
  agent: string
  /** URL of the token route. @default '/api/ably/token' */
  token: string
  /** URL of an archive route, such as `'/api/archive'`. @default none */
  archive?: string
  /**
   * Client ids of your agents; answers of other clients are ignored. The first is the id of agents made here. @default
   * 'agent'
   */
  agents: string | string[]
  /** Ably namespace for session names without one. @default 'ai' */
  namespace: string
  /** Options for all Ably clients, in browsers too, such as `{ endpoint: 'eu-west-1-a' }`. @default Ably's */
  ably: AblyOptions
  /**
   * The local endpoint of `nuxt dev`, which runs while there is no Ably key; its options, or `false` for none.
   * @default true
   */
  local: boolean | LocalOptions
}

/** Options for Ably clients that any browser may see. */
export type AblyOptions = Pick<
  ClientOptions,
  'disableConnectivityCheck' | 'endpoint' | 'fallbackHosts' | 'port' | 'tls' | 'tlsPort' | 'transports'
>

/** Options of the local endpoint. With a `host` that other devices reach, pages on them use the endpoint too. */
export type LocalOptions = Pick<LocalEndpointOptions, 'host' | 'limits' | 'namespaces' | 'origins' | 'persist' | 'port'>

/** The options that reach the browser. */
export interface BrowserOptions extends Omit<ModuleOptions, 'local'> {
  /** Whether the endpoint is on the host that serves the page. */
  isOnPageHost: boolean
}

/** The module's part of the private runtime config. */
export interface ServerOptions extends Pick<ModuleOptions, 'ably' | 'agents' | 'namespace' | 'token'> {
  /** The Ably API key: `NUXT_AI_TRANSPORT_KEY` when the server starts; without it, `ABLY_API_KEY` is used. */
  key: string
}

export const defaults: ModuleOptions = {
  agent: '/api/agent',
  token: '/api/ably/token',
  agents: 'agent',
  namespace: 'ai',
  ably: {},
  local: true,
}
