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
  /** A realtime client, connecting. These options take precedence over the endpoint's. */
  client(request?: LocalClientRequest, options?: Ably.ClientOptions): Ably.Realtime
  /** A REST client. */
  rest(request?: LocalClientRequest, options?: Ably.ClientOptions): Ably.Rest
}

/** Both wire formats, for `describe.each`. */
export const formats = [
  { format: 'msgpack', useBinaryProtocol: true },
  { format: 'JSON', useBinaryProtocol: false },
] as const

// NOTE: tests drop connections on purpose; the SDK would log each drop and wait before it reconnects
const forTests = { logLevel: 0, disconnectedRetryTimeout: 50 } as const

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
      const client = new Ably.Realtime({ ...endpoint.clientOptions(request), ...forTests, ...overrides })
      clients.push(client)
      return client
    },
    rest: (request, overrides) => new Ably.Rest({ ...endpoint.clientOptions(request), ...forTests, ...overrides }),
  }
}

/** Resolves when a client enters a connection state, or at once if it is in it. */
export const inState = (client: Ably.Realtime, state: Ably.ConnectionState) => client.connection.whenState(state)

/** The next change to a connection state. */
export const nextState = (client: Ably.Realtime, state: Ably.ConnectionState) =>
  new Promise<Ably.ConnectionStateChange>((resolve) => client.connection.once(state, resolve))

/** The next channel event of this kind. */
export const nextEvent = (channel: Ably.RealtimeChannel, event: Ably.ChannelEvent) =>
  new Promise<Ably.ChannelStateChange>((resolve) => channel.once(event, resolve))

/** The deliveries of a channel, in order, until a test takes them. */
export interface Inbox {
  /** Waits for this many deliveries, and takes all of them. */
  take(count: number): Promise<Ably.InboundMessage[]>
  /** The deliveries that were not taken. */
  readonly pending: readonly Ably.InboundMessage[]
}

/** Subscribes to a channel and collects its deliveries. */
export async function openInbox(channel: Ably.RealtimeChannel): Promise<Inbox> {
  let pending: Ably.InboundMessage[] = []
  let announce = () => {}
  await channel.subscribe((message) => {
    pending.push(message)
    announce()
  })
  return {
    get pending() {
      return pending
    },
    async take(count) {
      while (pending.length < count) await new Promise<void>((resolve) => (announce = resolve))
      const taken = pending
      pending = []
      return taken
    },
  }
}

/** The error that a promise rejects with. */
export async function failure(promise: PromiseLike<unknown>): Promise<Ably.ErrorInfo> {
  try {
    await promise
  } catch (error) {
    return error as Ably.ErrorInfo
  }
  throw new Error('expected a rejection')
}

async function runAll(stops: (() => Promise<void>)[]) {
  await Promise.all(stops.splice(0).map((stop) => stop()))
}
