import type { ConnectionState, ErrorInfo, RealtimeClient } from 'ably'
import { warn } from '../core/diagnostics'
import { about, badRequest, toSessionError, type SessionError } from '../core/errors'
import { deferred, sleep } from '../core/signals'

/** Fields of the SDK's client that its types hide; those that an SDK lacks are undefined. */
interface ClientFields {
  readonly auth: {
    readonly authOptions?: { readonly authUrl?: string }
    readonly tokenDetails?: { readonly token?: string; readonly expires?: number } | null
  }
  readonly connection: { readonly connectionManager?: { readonly connectionDetails?: { maxInboundRate?: unknown } } }
  readonly options?: { readonly echoMessages?: unknown; readonly maxMessageSize?: unknown }
}

const fieldsOf = (client: RealtimeClient): ClientFields => client as unknown as ClientFields

/**
 * The client, once it is known to be one: in plain JavaScript it can be any value.
 * @throws SessionError 40003 for other values
 */
export function checkClient(client: RealtimeClient | undefined): RealtimeClient {
  if (client?.connection) return client
  warn('clientWrong', client)
  throw badRequest('connect', '"client" is not an Ably.Realtime client')
}

/** Why a client is not connected. If its token route is the cause, the error names that route. */
export function connectionError(client: RealtimeClient, reason: ErrorInfo): SessionError {
  const route = fieldsOf(client).auth.authOptions?.authUrl ?? 'authCallback'
  return toSessionError('connect', reason.code, about(reason, route))
}

/** Clients whose new tokens seem to have expired, too: the clock of their device is ahead. */
const aheadOfTime = new WeakSet<RealtimeClient>()

/**
 * Gets a new token if the present one has expired, as after a device has slept. Otherwise a request would never end: the
 * SDK repeats it with the expired token, and asks the token route for a new one each time (ably-js issue 2193).
 */
export async function renewExpiredToken(client: RealtimeClient): Promise<void> {
  if (!hasExpiredToken(client)) return void aheadOfTime.delete(client)
  if (aheadOfTime.has(client)) return
  await client.auth.authorize()
  if (hasExpiredToken(client)) aheadOfTime.add(client)
}

function hasExpiredToken(client: RealtimeClient): boolean {
  const { tokenDetails } = fieldsOf(client).auth
  return !!tokenDetails && (tokenDetails.expires ?? expiryOf(tokenDetails.token)) <= Date.now()
}

/** When a JWT expires, in milliseconds since the epoch. */
function expiryOf(token = ''): number {
  const [, claims = ''] = token.split('.')
  try {
    return (JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))) as { exp: number }).exp * 1000
  } catch {
    return Infinity
  }
}

/** Whether a client receives its own messages. */
export const hearsItself = (client: RealtimeClient): boolean => fieldsOf(client).options?.echoMessages !== false

/** Delay before the next question when the service did not answer although the connection is up, in milliseconds. */
const retryDelay = 250

const usualMaxMessageSize = 65_536

/** The limits and the state of a client's connection. */
export class Uplink {
  readonly #client: RealtimeClient

  constructor(client: RealtimeClient) {
    this.#client = client
  }

  /** Messages per second that the service accepts; undefined when it has not told. */
  get maxInboundRate(): number | undefined {
    const rate = fieldsOf(this.#client).connection.connectionManager?.connectionDetails?.maxInboundRate
    return typeof rate === 'number' && rate > 0 ? rate : undefined
  }

  /** The largest message, in bytes. */
  get maxMessageSize(): number {
    const size = fieldsOf(this.#client).options?.maxMessageSize
    return typeof size === 'number' && size > 0 ? size : usualMaxMessageSize
  }

  /** The connection's id at Ably; the SDK may send unacknowledged messages of an earlier connection again. */
  get connectionId(): string | undefined {
    return this.#client.connection.id
  }

  /** Whether the client receives its own messages. */
  get hearsItself(): boolean {
    return hearsItself(this.#client)
  }

  /** Whether nothing can be sent now but later: the SDK would queue messages, and send them all at once then. */
  get isHeldUp(): boolean {
    return heldUp.has(this.#client.connection.state)
  }

  /** Whether it is closed or has failed for good: only the app can open it again. */
  get isOver(): boolean {
    return over.has(this.#client.connection.state)
  }

  /** The time by Ably's clock, in milliseconds since the epoch; by this machine's when the service does not answer. */
  time(): Promise<number> {
    return this.#client.time().catch(() => Date.now())
  }

  /** Resolves when the service has answered on this connection or a later one, so that all it sent before was heard. */
  async confirm(): Promise<void> {
    const { connection } = this.#client
    while (!this.isOver) {
      const { promise: changed, resolve } = deferred()
      const heard = (): void => resolve()
      connection.once(heard)
      const later = (): Promise<void> => (connection.state === 'connected' ? sleep(retryDelay) : changed)
      const answer = await Promise.race([connection.ping().catch(later), changed])
      connection.off(heard)
      if (answer !== undefined) return
    }
  }

  /** Calls back when the connection's state changes; returns a function that stops it. */
  onChange(listener: () => void): () => void {
    const { connection } = this.#client
    connection.on(listener)
    return () => connection.off(listener)
  }
}

const heldUp: ReadonlySet<ConnectionState> = new Set(['initialized', 'connecting', 'disconnected', 'suspended'])

const over: ReadonlySet<ConnectionState> = new Set(['closing', 'closed', 'failed'])
