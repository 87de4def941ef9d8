import type * as Ably from 'ably'
import { startEndpoint, type TestEndpoint } from '../support/local'

/** An endpoint whose clients reconnect as soon as they are cut off. The SDK would space that to once a second. */
export async function startHastyEndpoint(): Promise<TestEndpoint> {
  const endpoint = await startEndpoint()
  return { ...endpoint, client: (...options) => hurry(endpoint.client(...options)) }
}

function hurry(client: Ably.Realtime): Ably.Realtime {
  const { connectionManager } = client.connection as unknown as {
    connectionManager: { lastAutoReconnectAttempt: number | null }
  }
  client.connection.on('connected', () => (connectionManager.lastAutoReconnectAttempt = null))
  return client
}

/**
 * Cuts so many connections off, one after the other, by a fixed sequence of random numbers.
 * @param among how many connections there are
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
      // NOTE: there are fewer at the moment, since some have not come back yet
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
