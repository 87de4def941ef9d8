import * as Ably from 'ably'
import { clientOptions } from 'virtual:local-ably'
import { measureClock } from './clock'
import { deviceName } from './device'

/** Connects to the endpoint on the dev server. In your own app: `new Ably.Realtime({ authUrl: '/api/ably/token' })`. */
export function createClient(): Ably.Realtime {
  const client = new Ably.Realtime({ ...clientOptions(deviceName()), logLevel, disconnectedRetryTimeout })
  measureClock(client)
  made = client
  return client
}

let made: Ably.Realtime | undefined

/** The channel of a session, for the event log. */
export const channelOf = (name: string): Ably.RealtimeChannel | undefined => made?.channels.get(`ai:${name}`)

/** Resolves once all messages have arrived that the service had sent before: its answer comes behind them. */
export const messagesArrived = async (): Promise<unknown> => made?.connection.ping()

// NOTE: the page shows a lost connection, so the SDK does not log it
const logLevel = 0

// NOTE: a short interval, because the server is on this machine
const disconnectedRetryTimeout = 2500
