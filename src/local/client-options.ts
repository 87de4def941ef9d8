import type { ClientOptions } from 'ably'
import type { TokenDetails, TokenOptions } from './token'

/** Who a client should be. If anything is asked for, it gets tokens, renewed as they end; else the key. */
export type LocalClientRequest = TokenOptions

/** Options to hand to `new Ably.Realtime()`. Spread them to add your own. */
export type LocalClientOptions = ClientOptions & {
  endpoint: string
  port: number
  tls: boolean
}

/** Where an endpoint is and how to get in. */
export interface Access {
  key: string
  createToken(options?: TokenOptions): TokenDetails
}

/** Options for an Ably client that is to connect to this address. */
export function clientOptionsFor(
  { hostname, port, tls }: { hostname: string; port: number; tls: boolean },
  access: Access,
  request: LocalClientRequest = {},
): LocalClientOptions {
  const { clientId } = request
  const needsToken = Object.values(request).some((value) => value !== undefined)
  return {
    endpoint: hostname,
    port,
    tlsPort: port,
    tls,
    transports: ['web_socket'],
    disableConnectivityCheck: true,
    ...(needsToken
      ? {
          authCallback: (_, done) => issue(() => access.createToken(request), done),
          ...(clientId !== undefined && clientId !== '*' ? { clientId } : {}),
        }
      : { key: access.key }),
  }
}

function issue(create: () => TokenDetails, done: (error: string | null, token: TokenDetails | null) => void) {
  try {
    done(null, create())
  } catch (error) {
    done(String(error), null)
  }
}
