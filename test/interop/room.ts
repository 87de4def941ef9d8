import { startEndpoint, type TestEndpoint } from '../support/local'
import type { Agent, Clients, User } from './actors'
import { ourAgent, ourUser } from './ours'
import { peerAgent, peerUser } from './peer'

/** Which client speaks with which agent. The other client watches. */
export interface Pairing {
  readonly title: string
  readonly client: 'ours' | 'peer'
  readonly agent: 'ours' | 'peer'
}

export const pairings: Pairing[] = [
  { title: "our client with the peer's agent", client: 'ours', agent: 'peer' },
  { title: "the peer's client with our agent", client: 'peer', agent: 'ours' },
]

/** A session with a client of each library on it, and an agent of the library that the speaking client is not of. */
export interface Room extends Clients {
  readonly endpoint: TestEndpoint
  readonly channelName: string
  /** The one of the two who speaks, as `alice`. */
  readonly user: User
  /** The other one, as `bob`. */
  readonly watcher: User
  readonly agent: Agent
  /** A client of each library that comes later, and has loaded nothing. */
  join(options?: { ourPageSize?: number; peersPageSize?: number }): Promise<Clients>
}

let count = 0

/** Alice speaks and Bob watches, unless they are to be anonymous. */
export async function startRoom({ client, agent }: Pairing, { anonymous = false } = {}): Promise<Room> {
  const endpoint = await startEndpoint()
  const channelName = `ai:room-${++count}`
  const connect = (clientId: string) => endpoint.client(anonymous ? {} : { clientId })
  const open = async (clientIds: Record<Pairing['client'], string>, ourPageSize?: number, peersPageSize?: number) => ({
    ours: await ourUser(connect(clientIds.ours), channelName, ourPageSize),
    peers: await peerUser(connect(clientIds.peer), channelName, peersPageSize),
  })
  const clients = await open({ ours: 'bob', peer: 'bob', [client]: 'alice' })
  const agentClient = endpoint.client({ clientId: 'agent' })
  return {
    endpoint,
    channelName,
    ...clients,
    user: client === 'ours' ? clients.ours : clients.peers,
    watcher: client === 'ours' ? clients.peers : clients.ours,
    agent: (agent === 'ours' ? ourAgent : peerAgent)(agentClient, channelName),
    join: ({ ourPageSize, peersPageSize } = {}) => open({ ours: 'carol', peer: 'carol' }, ourPageSize, peersPageSize),
  }
}
