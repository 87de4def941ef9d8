import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { clientOptionsFor, type LocalClientOptions, type LocalClientRequest } from './client-options'
import { createControls, type TestControls } from './controls'
import { acceptUpgrades, restMiddleware } from './http'
import { Service, type ServiceOptions } from './service'
import type { TokenDetails, TokenOptions } from './token'

/** What the endpoint should be like, and where it should listen. */
export interface LocalEndpointOptions extends ServiceOptions {
  /** Port to listen on. @default a free one */
  port?: number
  /** Address to bind. Anything but loopback lets the network in. @default '127.0.0.1' */
  host?: string
}

/** A running endpoint. */
export interface LocalEndpoint extends TestControls, AsyncDisposable {
  /** Where it listens, as an `http:` URL without a trailing slash. */
  readonly url: string
  readonly port: number
  /** The key that it accepts, `app.id:secret`; the first one if there are several. Keep it on the server. */
  readonly key: string
  /** Options for an Ably client that is to connect here, in this process or another on this machine. */
  clientOptions(request?: LocalClientRequest): LocalClientOptions
  /**
   * Issues a token, for a token route.
   * @throws ProtocolError 40003 for a ttl or capability out of bounds
   */
  createToken(options?: TokenOptions): TokenDetails
  /** Sends all clients away and stops listening. */
  close(): Promise<void>
}

/**
 * Starts an endpoint that the `ably` SDK can connect to in place of the service: no account, nothing leaves this machine.
 * What is published is kept in memory, within {@link ServiceOptions.limits}.
 *
 * @throws Error if the port is taken
 * @example
 * const endpoint = await createLocalEndpoint()
 * const client = new Ably.Realtime(endpoint.clientOptions({ clientId: 'bob' }))
 * await endpoint.close()
 */
export async function createLocalEndpoint(options: LocalEndpointOptions = {}): Promise<LocalEndpoint> {
  const { port: wanted = 0, host = '127.0.0.1' } = options
  const service = new Service(options)
  const rest = restMiddleware(service, { shared: false })
  const server = createServer((request, response) => rest(request, response, () => {}))
  const stopUpgrades = acceptUpgrades(service, server, { shared: false })
  server.listen(wanted, host)
  await once(server, 'listening')
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
    ...accessTo(service, () => address),
    url: `http://${address.hostname}:${port}`,
    port,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

/** The part of an endpoint that hands out access to it. */
export function accessTo(service: Service, address: () => { hostname: string; port: number; tls: boolean }) {
  const { first } = service.keys
  const createToken = (options?: TokenOptions) => service.tokens.issue(first, options)
  const key = `${first.name}:${first.secret}`
  return {
    key,
    createToken,
    clientOptions: (request?: LocalClientRequest) => clientOptionsFor(address(), { key, createToken }, request),
  }
}

/** The host name by which a client on this machine reaches a bound address. */
export function hostnameOf(address: string): string {
  if (address === '0.0.0.0' || address === '') return '127.0.0.1'
  if (address === '::') return 'localhost'
  return address.includes(':') ? `[${address}]` : address
}
