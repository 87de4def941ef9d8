import type * as Ably from 'ably'
import { startEndpoint, type TestEndpoint } from '../support/local'

// NOTE: the SDK's ten seconds go on while a client is dropped again and again; a busy machine needs more to attach
const patient = { realtimeRequestTimeout: 120_000 }

/** An endpoint whose clients reconnect as soon as they are dropped. The SDK alone would wait a second. */
export async function startHastyEndpoint(): Promise<TestEndpoint> {
  const endpoint = await startEndpoint()
  return { ...endpoint, client: (request, options) => hurry(endpoint.client(request, { ...patient, ...options })) }
}

function hurry(client: Ably.Realtime): Ably.Realtime {
  const { connectionManager } = client.connection as unknown as {
    connectionManager: { lastAutoReconnectAttempt: number | null }
  }
  client.connection.on('connected', () => (connectionManager.lastAutoReconnectAttempt = null))
  return client
}

/**
 * Drops this many connections, one after the other, by a fixed sequence of random numbers.
 * @param among - the number of connections
 */
export async function dropSome(endpoint: TestEndpoint, { count, among }: { count: number; among: number }) {
  let seed = 1
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  for (let dropped = 0; dropped < count;) {
    const chosen = Math.floor(random() * among)
    let position = 0
    try {
      endpoint.dropConnection(() => chosen === position++)
      dropped++
    } catch {
      // NOTE: some connections may be missing, because their clients have not reconnected yet
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
