import type { ErrorInfo, RealtimeClient } from 'ably'
import { warn } from '../core/diagnostics'
import { about, ErrorCode, toSessionError, unableTo, type SessionError } from '../core/errors'

/** The time in which the service counts messages, in milliseconds: a second, and some more because travel times vary. */
export const ratePeriod = 1100

/** Fields of the SDK's client that its types hide; those that an SDK lacks are undefined. */
interface ClientFields {
  readonly auth: { readonly authOptions?: { readonly authUrl?: string } }
  readonly connection: { readonly connectionManager?: { readonly connectionDetails?: { maxInboundRate?: unknown } } }
  readonly options?: { readonly echoMessages?: unknown; readonly maxMessageSize?: unknown }
}

export const fieldsOf = (client: RealtimeClient): ClientFields => client as unknown as ClientFields

/**
 * The client, once it is known to be one: in plain JavaScript it can be any value.
 * @throws SessionError 40003 for other values
 */
export function checkClient(client: RealtimeClient | undefined): RealtimeClient {
  if (client?.connection) return client
  warn('clientWrong', client)
  throw unableTo('connect', '"client" is not an Ably.Realtime client', ErrorCode.BadRequest)
}

/** Why a client is not connected. If its token route is the cause, the error names that route. */
export function connectionError(client: RealtimeClient, reason: ErrorInfo): SessionError {
  const route = fieldsOf(client).auth.authOptions?.authUrl ?? 'authCallback'
  return toSessionError('connect', reason.code, about(reason, route))
}

/** Whether a client receives its own messages. */
export const hearsItself = (client: RealtimeClient): boolean => fieldsOf(client).options?.echoMessages !== false
