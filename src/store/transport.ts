import type { ConnectionState, ConnectionStateChange, RealtimeClient, RestClient, TokenParams } from 'ably'
import type { AppMessage } from './app-message'
import { shallowRef, type Ref } from 'vue'
import type { Pinia } from 'pinia'
import { UIMessageCodec } from '../codec/ui-message'
import type { Codec } from '../core/codec'
import type { SessionError } from '../core/errors'
import type { TrustOptions } from '../core/access'
import type { ArchiveTarget } from '../ably/archived-history'
import { channelNameOf } from '../ably/channel-name'
import { checkClient } from '../ably/client'
import { connectionError } from '../ably/client'
import { ClientSession } from '../session/client-session'
import type { AgentTarget, ClientSessionOptions, DehydratedSession } from '../session/context'
import type { FlushMode } from '../session/scheduling'
import { warn } from '../core/diagnostics'
import { LeasedSession, type Lease, type Rendered } from './lease'
import { TokenScope, type RequestToken } from './token-scope'
import { vuePort } from './vue-port'

export interface AITransportOptions extends TrustOptions {
  /**
   * An Ably client, or a function that makes one: called on first use, in the browser only; its client is closed with
   * the app.
   */
  client: RealtimeClient | (() => RealtimeClient)
  /**
   * Makes an Ably REST client where pages are rendered, for example `() => new Ably.Rest({ key })` in the server's code
   * only. It is called once for each session that a request renders, with the full channel name: make sure that the
   * user of the request may read it. The first HTML then shows the newest page of history, and the browser goes on from
   * there. Without this option sessions are empty on a server.
   */
  server?: (sessionName: string) => RestClient
  /** The agent to wake after each prompt. */
  agent?: AgentTarget
  /**
   * A label of this device for the cancels and prompts it sends, such as `Phone`: others see which device stopped a
   * run.
   */
  device?: string
  /** Ably namespace for session names without one. @default 'ai' */
  namespace?: string
  /** Encodes messages for the channel. @default UIMessageCodec */
  codec?: Codec<AppMessage>
  /** Messages per page of history, 1 to 1000. @default 100 */
  historyPageSize?: number
  /**
   * Where rows are that Ably keeps no longer: the URL of an `archiveRoute`. History goes on there.
   */
  archive?: ArchiveTarget
  /** When gathered tokens reach the page. @default 'frame' */
  flush?: FlushMode
  /** How long a session stays attached after its last user has left, in milliseconds. @default 1000 */
  linger?: number
  /**
   * With `sessions`, the transport requests a token for the sessions in use before it attaches a new one; the token
   * route grants those that the user may use. With `manual`, the app makes sure that the token covers every session.
   * @default 'manual'
   */
  tokenScope?: 'sessions' | 'manual'
}

/** The state of the connection that all sessions share. */
export interface ConnectionFacts {
  /** Ably's connection state. */
  readonly state: ConnectionState
  /** When it was lost, in milliseconds since the epoch; undefined while it is up, and before it was up. */
  readonly since?: number
  /** Why it was lost, if known. */
  readonly reason?: SessionError
}

/** The connection before a session is used, and on a server. */
export const unused: ConnectionFacts = { state: 'initialized' }

/** Whether pages are rendered here. */
export const isServer = (): boolean => typeof window === 'undefined'

/** The sessions in use in one app, and the Ably client they share. */
export class Transport {
  /** The number of resets; holders of a lease take a new one after each. */
  readonly generation = shallowRef(0)
  readonly connection: Ref<ConnectionFacts> = shallowRef(unused)
  readonly #pinia: Pinia
  readonly #options: AITransportOptions
  readonly #sessions = new Map<string, LeasedSession>()
  /** What a server has rendered, by channel: a component may hydrate after its session has ended. */
  readonly #rendered = new Map<string, Rendered>()
  #unnamed: ClientSession<AppMessage> | undefined
  #client: RealtimeClient | undefined
  #tokens: TokenScope | undefined
  #stopListening: (() => void) | undefined

  constructor(pinia: Pinia, options: AITransportOptions) {
    this.#pinia = pinia
    this.#options = options
  }

  /** Takes a lease on a session: the first one attaches it, the last one to be released detaches it a little later. */
  lease(name: string, rows?: DehydratedSession): Lease {
    const { namespace = 'ai', linger = 1000 } = this.#options
    const channelName = channelNameOf(name, namespace)
    const prefix = `${namespace}:`
    let session = this.#sessions.get(channelName)
    if (!session) {
      // NOTE: `trip` and `ai:trip` are one session, with one store id
      const id = channelName.startsWith(prefix) ? channelName.slice(prefix.length) : channelName
      session = new LeasedSession(id, this.#open(channelName), {
        pinia: this.#pinia,
        linger,
        rows,
        rendered: this.#rendered.get(channelName),
        openIdle: () => new ClientSession(this.#optionsOf(channelName)),
        onEnd: () => {
          if (this.#sessions.get(channelName) === session) this.#sessions.delete(channelName)
        },
      })
      this.#sessions.set(channelName, session)
      // NOTE: rows that a component passes on, it has for the next lease too
      if (session.rendered && !rows) this.#rendered.set(channelName, session.rendered)
    }
    return session.lease()
  }

  /** A session without a channel, for composables without a name. */
  get unnamed(): ClientSession<AppMessage> {
    return (this.#unnamed ??= new ClientSession(this.#optionsOf('')))
  }

  /** Connects now, and attaches refused sessions again with a new token. */
  async retry(): Promise<void> {
    const sessions = [...this.#sessions.values()]
    this.#client?.connect()
    // NOTE: the SDK keeps a token until it expires, also one that lacks a capability
    if (this.#client && sessions.some(({ isRefused }) => isRefused)) {
      await this.#authorize(this.#client).catch(() => undefined)
    }
    for (const session of sessions) session.retry()
  }

  /** Drops the client and all sessions after a login change; sessions in use attach again with a new client. */
  async reset(): Promise<void> {
    const closed = this.close(false)
    this.generation.value++
    await closed
  }

  /**
   * Closes all sessions, and the client if it was made here. Cancels no run.
   *
   * @param canSend - whether prompts that are on their way are published first
   */
  async close(canSend = true): Promise<void> {
    const sessions = [...this.#sessions.values()]
    const client = this.#client
    this.#sessions.clear()
    this.#client = undefined
    this.#tokens = undefined
    this.#stopListening?.()
    this.connection.value = unused
    await Promise.all(sessions.map((session) => session.end(canSend)))
    if (this.#isOwner) client?.close()
  }

  #open(sessionName: string): ClientSession<AppMessage> {
    const { server } = this.#options
    const options = this.#optionsOf(sessionName)
    if (isServer()) return new ClientSession({ ...options, rest: server && (() => server(sessionName)) })
    const prepare = async (): Promise<void> => this.#tokens?.cover(sessionName)
    return new ClientSession({ ...options, client: this.#connected(), prepare })
  }

  #optionsOf(sessionName: string): ClientSessionOptions<AppMessage> {
    return { ...this.#options, client: undefined, sessionName, codec: this.#codec, port: vuePort }
  }

  get #codec(): Codec<AppMessage> {
    return this.#options.codec ?? UIMessageCodec
  }

  #connected(): RealtimeClient {
    if (this.#client) return this.#client
    const { client: given, agents, tokenScope } = this.#options
    if (!agents) warn('agentsMissing')
    const client = checkClient(typeof given === 'function' ? given() : given)
    const { connection } = client
    const update = (change?: ConnectionStateChange): void => {
      const { state } = connection
      const { since = wasUp ? Date.now() : undefined } = this.connection.value
      wasUp = state === 'connected'
      const reason = change?.reason && connectionError(client, change.reason)
      this.connection.value = wasUp ? { state } : { state, since, reason: reason ?? this.connection.value.reason }
    }
    let wasUp = false
    connection.on(update)
    this.#stopListening = () => connection.off(update)
    update()
    const request: RequestToken = (capability) => this.#authorize(client, { capability })
    this.#tokens = tokenScope === 'sessions' ? new TokenScope(request, () => this.#sessions.keys()) : undefined
    return (this.#client = client)
  }

  get #isOwner(): boolean {
    return typeof this.#options.client === 'function'
  }

  /** Requests a new token. */
  async #authorize(client: RealtimeClient, params?: TokenParams): Promise<void> {
    // NOTE: the SDK connects a client again that was closed while its token was on its way
    const stayClosed = (): void => {
      if (this.#isOwner && this.#client !== client) client.close()
    }
    client.connection.on('connecting', stayClosed)
    try {
      await client.auth.authorize(params)
    } finally {
      client.connection.off(stayClosed)
    }
  }
}
