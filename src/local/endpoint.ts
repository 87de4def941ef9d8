import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAccess, hostnameOf, type Access } from './access'
import { createControls, type TestControls } from './controls/controls'
import { acceptUpgrades, restMiddleware } from './http/node'
import { isLoopback } from './http/origin'
import type { ServiceOptions } from './app'
import { Service } from './service'

/** Options of an endpoint. */
export interface LocalEndpointOptions extends ServiceOptions {
  /** Port to listen on. @default a free one */
  port?: number
  /** Address to bind. Any address but loopback can be reached from the network. @default '127.0.0.1' */
  host?: string
}

/** A running endpoint. */
export interface LocalEndpoint extends Access, TestControls, AsyncDisposable {
  /** Where it listens, as an `http:` URL without a trailing slash. */
  readonly url: string
  readonly port: number
  /** Disconnects all clients and stops listening. */
  close(): Promise<void>
}

/**
 * Starts an endpoint that the `ably` SDK connects to in place of the service: no account, no data leaves this machine.
 * Messages are kept in memory, within {@link ServiceOptions.limits}.
 *
 * @throws Error if the port is taken, or the file of `persist` in use
 * @example
 * const endpoint = await createLocalEndpoint()
 * const client = new Ably.Realtime(endpoint.clientOptions({ clientId: 'bob' }))
 * await endpoint.close()
 */
export async function createLocalEndpoint(options: LocalEndpointOptions = {}): Promise<LocalEndpoint> {
  const { port: wanted = 0, host = '127.0.0.1', origins = [] } = options
  const service = new Service({ ...options, origins: [...origins, `http://${hostnameOf(host)}`] })
  const rest = restMiddleware(service, { shared: false })
  const server = createServer((request, response) => rest(request, response, () => {}))
  // NOTE: a client that is about to use an idle connection again must not find it closed
  server.keepAliveTimeout = 0
  const stopUpgrades = acceptUpgrades(service, server, { shared: false })
  if (!isLoopback(host)) warnOf(host)
  try {
    await once(server.listen(wanted, host), 'listening')
  } catch (error) {
    service.close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  const address = { hostname: hostnameOf(host), port, tls: false }

  const close = async () => {
    service.close()
    stopUpgrades()
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  let closing: Promise<void> | undefined
  return {
    ...createControls(service),
    ...createAccess(service, () => address),
    url: `http://${address.hostname}:${port}`,
    port,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

const warnOf = (host: string) =>
  process.emitWarning(`the local Ably endpoint listens on ${host}, where others on the network can reach it`, {
    code: 'LOCAL_ABLY_EXPOSED',
    detail: 'It is made for development and tests. Leave out `host` to stay on loopback.',
  })
