import * as Ably from 'ably'
import { clientOptions } from 'virtual:local-ably'
import { deviceName } from './device'

/** Connects to the endpoint on the dev server. In your own app: `new Ably.Realtime({ authUrl: '/api/ably/token' })`. */
export const createClient = (): Ably.Realtime =>
  new Ably.Realtime({ ...clientOptions(deviceName()), logLevel, disconnectedRetryTimeout })

// NOTE: the page shows a lost connection, so the SDK does not log it
const logLevel = 0

// NOTE: a short interval, because the server is on this machine
const disconnectedRetryTimeout = 2500
