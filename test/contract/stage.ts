import type * as Ably from 'ably'
import { signJwt, type Claims } from './jwt'

/** The SDK under which a behaviour runs: the build for Node, or the one for browsers. */
export type Sdk = Pick<typeof Ably, 'Realtime' | 'Rest'>

/** The service that a behaviour runs on. */
export interface Target {
  /** A key with every capability. */
  key: string
  /** The address of the service; undefined for Ably itself. */
  place: Ably.ClientOptions
  /** A namespace with message updates, deletes and appends. */
  mutable: string
  /** The time after which a lost member leaves, in ms. */
  remainPresentFor: number
  /** The wait after a burst of 40 messages that keeps the rate within its limit, in ms. */
  pause: number
}

/** The clients and channels of a behaviour, which are closed after it. */
export interface Stage {
  readonly keyName: string
  /** A new channel name in a namespace that allows changes of messages. */
  mutableName(): string
  /** A new channel name without a namespace. */
  plainName(): string
  /** A realtime client with the key. */
  client(options?: Ably.ClientOptions): Ably.Realtime
  /** A realtime client with the key that uses the other format. */
  otherFormat(options?: Ably.ClientOptions): Ably.Realtime
  /** A realtime client without the key, for behaviours with a token. */
  visitor(options: Ably.ClientOptions): Ably.Realtime
  /** A REST client with the key. */
  rest(options?: Ably.ClientOptions): Ably.Rest
  /** A REST client without the key. */
  restVisitor(options: Ably.ClientOptions): Ably.Rest
  token(params?: Ably.TokenParams): Promise<Ably.TokenDetails>
  jwt(claims?: Claims, options?: { ttl?: number; secret?: string; keyName?: string }): Promise<string>
  /** Drops the connection of a client without notice; the client reconnects by itself. */
  drop(client: Ably.Realtime): void
  /** Disconnects a client for so long that it is suspended; it stays disconnected. */
  suspend(client: Ably.Realtime): Promise<void>
  /** Makes a client forget its connection, so that it reconnects with a new one. */
  forget(client: Ably.Realtime): void
  readonly target: Target
}

/** One behaviour of the service, shown through the SDK. */
export interface Behaviour {
  name: string
  run(stage: Stage): Promise<void>
}

/** The behaviours of one area; each name starts with the area. */
export const area = (title: string, behaviours: Record<string, (stage: Stage) => Promise<void>>): Behaviour[] =>
  Object.entries(behaviours).map(([name, run]) => ({ name: `${title} ${name}`, run }))

/** Runs a behaviour on a target, and closes its clients. */
export async function perform({ run }: Behaviour, sdk: Sdk, target: Target, useBinaryProtocol: boolean): Promise<void> {
  const opened: Ably.Realtime[] = []
  const [keyName = '', keySecret = ''] = target.key.split(':')
  const base = { ...target.place, useBinaryProtocol, logLevel: 0, disconnectedRetryTimeout: 100 }
  const open = (options: Ably.ClientOptions) => {
    const client = new sdk.Realtime(options)
    opened.push(client)
    return client
  }
  const stage: Stage = {
    target,
    keyName,
    mutableName: () => `${target.mutable}:contract-${randomText()}`,
    plainName: () => `contract-${randomText()}`,
    client: (options) => open({ ...base, key: target.key, ...options }),
    otherFormat: (options) => open({ ...base, key: target.key, useBinaryProtocol: !useBinaryProtocol, ...options }),
    visitor: (options) => open({ ...base, ...options }),
    rest: (options) => new sdk.Rest({ ...base, key: target.key, ...options }),
    restVisitor: (options) => new sdk.Rest({ ...base, ...options }),
    token: async (params) => await new sdk.Rest({ ...base, key: target.key }).auth.requestToken(params),
    jwt: async (claims = {}, { ttl = 3_600, secret = keySecret, keyName: kid = keyName } = {}) =>
      await signJwt({ kid, secret, claims, ttl }),
    drop(client) {
      const { connectionManager } = client.connection as unknown as Internals
      connectionManager.activeProtocol.transport.disconnect()
    },
    async suspend(client) {
      const { connectionManager } = client.connection as unknown as Internals
      const gone = new Promise((resolve) => client.connection.once('disconnected', resolve))
      // NOTE: the SDK waits a second between attempts. An attempt that it makes now and gives up could be resumed by the
      // service, which then refuses the next one: its key is older
      connectionManager.lastAutoReconnectAttempt = Date.now()
      connectionManager.disconnectAllTransports()
      await gone
      connectionManager.notifyState({ state: 'suspended' })
      await client.connection.whenState('suspended')
    },
    forget(client) {
      const { connectionManager } = client.connection as unknown as Internals
      connectionManager.connectionKey = 'abcdefghij!a-key-of-nobody'
    },
  }
  try {
    await run(stage)
  } finally {
    for (const client of opened) client.close()
  }
}

/** Internals that the SDK does not expose, and that its own tests use. */
interface Internals {
  connectionManager: {
    activeProtocol: { transport: { disconnect(): void } }
    connectionKey: string
    lastAutoReconnectAttempt: number
    disconnectAllTransports(): void
    notifyState(change: { state: string }): void
  }
}

const randomText = () => `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`
