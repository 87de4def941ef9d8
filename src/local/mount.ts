import type { AddressInfo } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { createAccess, hostnameOf, type Access, type Address } from './access'
import { createControls, type TestControls } from './controls/controls'
import { acceptUpgrades, restMiddleware, type Middleware, type UpgradeSource } from './http/node'
import type { ServiceOptions } from './app'
import { Service } from './service'

/** A Node server to share: `http`, `https` or `http2`. */
export interface HostServer extends UpgradeSource {
  readonly listening: boolean
  once(event: 'listening' | 'close', listener: () => void): unknown
  address(): string | AddressInfo | null
}

/** An endpoint on a server that also serves other things. */
export interface MountedEndpoint extends Access, TestControls {
  /** Resolves when the server listens, and with it the endpoint has an address. */
  readonly ready: Promise<void>
  /** Answers REST requests of the SDK and calls `next` for all others. Call it before your own handlers. */
  readonly middleware: Middleware
  /** Disconnects all clients. The server goes on. */
  close(): void
}

/**
 * Mounts an endpoint on your server, so that page, endpoint and routes share one port. It handles WebSocket upgrades
 * of the SDK on `/` and leaves all others alone.
 *
 * @example
 * const endpoint = mountLocalEndpoint(server)
 * app.use(endpoint.middleware)
 */
export function mountLocalEndpoint(server: HostServer, options: ServiceOptions = {}): MountedEndpoint {
  const mount = createMount(options)
  const stop = mount.attach(server)
  return { ...mount.endpoint, close: stop }
}

/** An endpoint that waits for its server. */
export function createMount(options: ServiceOptions) {
  const service = new Service(options)
  let host: HostServer | undefined
  let markReady = () => {}
  const ready = new Promise<void>((resolve) => (markReady = resolve))
  const endpoint = {
    ...createControls(service),
    ...createAccess(service, () => addressOf(host)),
    ready,
    middleware: restMiddleware(service, { shared: true }),
  }
  const attach = (server: HostServer) => {
    host = server
    const stopUpgrades = acceptUpgrades(service, server, { shared: true })
    if (server.listening) markReady()
    else server.once('listening', markReady)
    const stop = () => {
      stopUpgrades()
      service.close()
    }
    server.once('close', stop)
    return stop
  }
  return { service, endpoint, attach }
}

function addressOf(server: HostServer | undefined): Address {
  const bound = server?.address()
  if (!bound || typeof bound === 'string') {
    throw new Error('unable to get the address of the local endpoint; await its "ready" first')
  }
  return { hostname: hostnameOf(bound.address), port: bound.port, tls: server instanceof TlsServer }
}
