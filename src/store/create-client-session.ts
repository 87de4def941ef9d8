import { channelNameOf } from '../ably/channel-name'
import { checkClient } from '../ably/client'
import { ClientSession } from '../session/client-session'
import type { ClientSessionOptions } from '../session/context'
import { vuePort } from './vue-port'

export interface CreateClientSessionOptions<M extends object> extends Omit<
  ClientSessionOptions<M>,
  'sessionName' | 'port' | 'prepare' | 'rest'
> {
  /** The session's name; without a `:` it gets the namespace. */
  sessionName?: string
  /** The full channel name; an alias of `sessionName` for names that already carry their namespace. */
  channelName?: string
  /** @default 'ai' */
  namespace?: string
}

/**
 * A session outside of components; its reads are reactive all the same. Call `connect()`, and `close()` when done.
 * @throws SessionError 40003 when there is no usable name.
 *
 * @example
 * const session = createClientSession({ client, sessionName: 'trip', codec: UIMessageCodec })
 * await session.connect()
 * const run = await session.view.send('Plan three days in Lisbon')
 */
export function createClientSession<M extends object>(options: CreateClientSessionOptions<M>): ClientSession<M> {
  const { sessionName, channelName, namespace, ...rest } = options
  if (rest.client) checkClient(rest.client)
  const name = channelNameOf(channelName ?? sessionName ?? '', namespace)
  return new ClientSession({ ...rest, sessionName: name, port: vuePort })
}
