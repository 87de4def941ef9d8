import { startEndpoint, type TestEndpoint } from '../support/local'
import type { Agent, Clients, User } from './actors'
import { ourAgent, ourUser } from './ours'
import { peerAgent, peerUser } from './peer'

/** The library of the speaking client and that of the agent. The other client watches. */
export interface Pairing {
  readonly title: string
  readonly client: 'ours' | 'peer'
  readonly agent: 'ours' | 'peer'
}

export const pairings: Pairing[] = [
  { title: "our client with the peer's agent", client: 'ours', agent: 'peer' },
  { title: "the peer's client with our agent", client: 'peer', agent: 'ours' },
]

/**
 * A session with a client of each library, and an agent of the library that the speaking client does not use.
 */
export interface Room extends Clients {
  readonly endpoint: TestEndpoint
  readonly channelName: string
  /** The client that speaks, as `alice`. */
  readonly user: User
  /** The other client, as `bob`. */
  readonly watcher: User
  readonly agent: Agent
  /** A new client of each library, which has loaded nothing. */
  join(options?: { ourPageSize?: number; peersPageSize?: number }): Promise<Clients>
}

let count = 0

/** Alice speaks and Bob watches, unless they are anonymous. */
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
