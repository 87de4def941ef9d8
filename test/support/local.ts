import * as Ably from 'ably'
import { afterAll, afterEach } from 'vitest'
import {
  createLocalEndpoint,
  type LocalClientRequest,
  type LocalEndpoint,
  type LocalEndpointOptions,
} from '../../src/local'

/** An endpoint under test, with clients that are closed with it. */
export interface TestEndpoint extends LocalEndpoint {
  /** A realtime client, connecting. Options given here win over the endpoint's. */
  client(request?: LocalClientRequest, options?: Ably.ClientOptions): Ably.Realtime
  /** A REST client. */
  rest(request?: LocalClientRequest, options?: Ably.ClientOptions): Ably.Rest
}

const untilTestEnds: (() => Promise<void>)[] = []
const untilFileEnds: (() => Promise<void>)[] = []

afterEach(() => runAll(untilTestEnds))
afterAll(() => runAll(untilFileEnds))

/** Starts an endpoint that is closed after the test, or after the last test of the file. */
export async function startEndpoint(
  options: LocalEndpointOptions = {},
  { until = 'test' }: { until?: 'test' | 'file' } = {},
): Promise<TestEndpoint> {
  const endpoint = await createLocalEndpoint(options)
  const clients: Ably.Realtime[] = []
  const stop = async () => {
    for (const client of clients) client.close()
    await endpoint.close()
  }
  ;(until === 'test' ? untilTestEnds : untilFileEnds).push(stop)
  return {
    ...endpoint,
    client(request, overrides) {
      const client = new Ably.Realtime({ ...endpoint.clientOptions(request), ...quiet, ...overrides })
      clients.push(client)
      return client
    },
    rest: (request, overrides) => new Ably.Rest({ ...endpoint.clientOptions(request), ...quiet, ...overrides }),
  }
}

/** Resolves when the connection reaches a state; rejects when it fails instead. */
export async function connected(client: Ably.Realtime): Promise<Ably.Realtime> {
  await client.connection.whenState('connected')
  return client
}

// NOTE: tests cut connections on purpose, and the SDK would report each one
const quiet = { logLevel: 0 } as const

async function runAll(stops: (() => Promise<void>)[]) {
  await Promise.all(stops.splice(0).map((stop) => stop()))
}
