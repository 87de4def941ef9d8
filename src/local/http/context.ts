import type { Credentials } from '../auth/authenticator'
import { identify, permit, type Identity } from '../auth/identity'
import type { Channel } from '../channel/channel'
import { readChannelName } from '../channel/channel-name'
import type { Page } from '../channel/history'
import type { Publisher } from '../channel/publisher'
import type { Service } from '../service'
import type { Format } from '../wire/format'

/** The input of a route. */
export interface RouteContext {
  service: Service
  /** The variable parts of the path, decoded. */
  params: readonly string[]
  query: URLSearchParams
  /** The format of the response. */
  format: Format
  /** Protocol version that the client speaks. */
  version: number
  credentials(): Credentials
  /** The clientId that the request asserts. */
  asserted: string | undefined
  /** The body as a value; `undefined` if there is none. */
  body(): unknown
}

/** The response of a route. */
export interface Reply {
  body: unknown
  /** @default 200 */
  status?: number
  /** For lists: where the next page is. */
  page?: Pick<Page<unknown>, 'current' | 'next'> & { path: string }
}

/** Handles one kind of request. */
export type Route = (context: RouteContext) => Reply | Promise<Reply>

/**
 * The identity that makes the request.
 * @throws ProtocolError for credentials that are not accepted
 */
export async function authorize({ service, credentials, asserted }: RouteContext): Promise<Identity> {
  return identify(await service.auth.check(credentials()), asserted)
}

/**
 * The channel that a path names, if there is one, once the operation on it is allowed.
 * @throws ProtocolError 40160 if it is not
 */
export async function openChannel(context: RouteContext, operation: string): Promise<Channel | undefined> {
  const { grant } = await authorize(context)
  const { name } = readChannelName(context.params[0])
  permit(grant.capability, name, operation)
  return context.service.channels.find(name)
}

/** The publisher of a request. Its messages may be for a connection, with that connection's secret key. */
export const restPublisher = ({ connections }: Service, identity: Identity, idBase: string): Publisher => ({
  identity,
  window: 0,
  idBase,
  connectionOf: (key) => connections.holding(key),
})
