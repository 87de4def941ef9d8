import type { ErrorInfo, RealtimeClient } from 'ably'
import { about, toSessionError, type SessionError } from '../core/errors'

/** The token route of a client, which the SDK's types hide. */
interface ClientFields {
  readonly auth: { readonly authOptions?: { readonly authUrl?: string } }
}

/** Why a client is not connected. If its token route is the cause, the error names that route. */
export function connectionError(client: RealtimeClient, reason: ErrorInfo): SessionError {
  const { authUrl } = (client as unknown as ClientFields).auth.authOptions ?? {}
  return toSessionError('connect', reason.code, about(reason, authUrl ?? 'authCallback'))
}
