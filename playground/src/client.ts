import * as Ably from 'ably'
import { clientOptions } from 'virtual:local-ably'
import { deviceName } from './device'

/** Connects to the endpoint on the dev server. In an app of your own: `new Ably.Realtime({ authUrl: '/api/ably/token' })`. */
export const createClient = (): Ably.Realtime =>
  new Ably.Realtime({ ...clientOptions(deviceName()), logLevel, disconnectedRetryTimeout })

// NOTE: a lost connection is told on the page, so the SDK need not write it to the console as well
const logLevel = 0

// NOTE: a server on this machine does not mind to be asked often
const disconnectedRetryTimeout = 2500
