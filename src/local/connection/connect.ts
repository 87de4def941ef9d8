import type { WebSocket } from 'ws'
import { ProtocolError, toErrorInfo } from '../wire/error'
import { readCredentials } from '../auth/authenticator'
import { formatOf } from '../wire/format'
import { identify } from '../auth/identity'
import { Action } from '../wire/protocol'
import { readStay } from './membership'
import { readWindow } from '../channel/rollup'
import type { Service } from '../service'
import { Transport } from './transport'

/**
 * Connects a client that has opened a WebSocket. Errors go over the socket, because the SDK takes an HTTP status for
 * a network fault and retries for ever.
 */
export async function connect(service: Service, socket: WebSocket, query: URLSearchParams) {
  // NOTE: `ws` reports frames that are too large or malformed as errors and closes the socket by itself
  socket.on('error', () => {})
  const heartbeats = query.get('heartbeats') === 'true'
  const transport = new Transport(socket, { format: formatOf(query.get('format')), heartbeats, limits: service.limits })
  try {
    const grant = await service.auth.check(readCredentials(undefined, query))
    const identity = identify(grant, query.get('clientId') ?? undefined)
    const key = query.get('resume') ?? query.get('recover') ?? undefined
    const connectionId = key && service.connections.keys.read(key)?.id
    if (!service.gate.mayConnect({ clientId: identity.clientId, connectionId })) return transport.cut()
    if (!transport.isOpen) return
    if (service.connections.open.length >= service.limits.maxConnections) return sendAway(transport, service)
    const echo = query.get('echo') !== 'false'
    const window = readWindow(query.get('appendRollupWindow'))
    const options = { identity, echo, window, stay: readStay(query.get('remainPresentFor')) }
    const { connection, error } = service.connections.find(key, options)
    connection.open(transport, options, error)
  } catch (error) {
    transport.sendFrame({ action: Action.Error, error: toErrorInfo(error) })
    transport.end()
  }
}

/** Refuses a client for now; it tries again later. */
function sendAway(transport: Transport, { limits }: Service) {
  const reason = `unable to connect; ${limits.maxConnections} clients are connected already`
  transport.sendFrame({ action: Action.Disconnected, error: toErrorInfo(new ProtocolError(40_111, 429, reason)) })
  transport.end()
}
