import type { ClientOptions } from 'ably'
import type { TokenDetails, TokenOptions } from './auth/token'
import type { Service } from './service'

/** The identity and rights of a client. A client with any of these gets tokens, which are renewed; without, the key. */
export type LocalClientRequest = TokenOptions

/** Options to hand to `new Ably.Realtime()` or `new Ably.Rest()`. Spread them to add your own. */
export type LocalClientOptions = ClientOptions & { endpoint: string; port: number; tls: boolean }

/** The address of an endpoint. */
export interface Address {
  /** A host name as it stands in a URL. */
  hostname: string
  port: number
  tls: boolean
}

/** Access to an endpoint. */
export interface Access {
  /** The key that it accepts, `app.id:secret`; the first one if there are several. Keep it on the server. */
  readonly key: string
  /**
   * Options for an Ably client that connects here, from this process or another one on this machine.
   * @throws Error if the endpoint has no address yet
   */
  clientOptions(request?: LocalClientRequest): LocalClientOptions
  /**
   * Issues a token, for a token route.
   * @throws ProtocolError 40003 for a ttl or capability out of bounds
   */
  createToken(options?: TokenOptions): TokenDetails
}

/** Creates the access to a service at this address. */
export function createAccess(service: Service, address: () => Address): Access {
  const { first } = service.keys
  const key = `${first.name}:${first.secret}`
  const createToken = (options?: TokenOptions) => service.tokens.issue(first, options)
  return {
    key,
    createToken,
    clientOptions(request = {}) {
      const needsToken = Object.values(request).some((value) => value !== undefined)
      const credentials = needsToken ? tokenOptions(request, createToken) : { key }
      return { ...connectTo(address()), ...credentials }
    },
  }
}

function connectTo({ hostname, port, tls }: Address) {
  const transports: ClientOptions['transports'] = ['web_socket']
  return { endpoint: hostname, port, tlsPort: port, tls, transports, disableConnectivityCheck: true }
}

function tokenOptions(request: LocalClientRequest, createToken: Access['createToken']): ClientOptions {
  const { clientId } = request
  const authCallback: ClientOptions['authCallback'] = (_, done) => {
    try {
      done(null, createToken(request))
    } catch (error) {
      done(String(error), null)
    }
  }
  return clientId === undefined || clientId === '*' ? { authCallback } : { authCallback, clientId }
}

/** The host name by which a client on this machine reaches a bound address. */
export function hostnameOf(address: string): string {
  if (address === '0.0.0.0' || address === '') return '127.0.0.1'
  if (address === '::') return 'localhost'
  return address.includes(':') ? `[${address}]` : address
}
