import type { RealtimeClient } from 'ably'
import { warn } from '../core/diagnostics'
import { ErrorCode, unableTo } from '../core/errors'

/**
 * The client, once it is known to be one: in plain JavaScript it can be any value.
 * @throws SessionError 40003 for other values
 */
export function checkClient(client: RealtimeClient | undefined): RealtimeClient {
  if (client?.connection) return client
  warn('clientWrong', client)
  throw unableTo('connect', '"client" is not an Ably.Realtime client', ErrorCode.BadRequest)
}
