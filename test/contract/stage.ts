import type * as Ably from 'ably'
import { signJwt, type Claims } from './jwt'

/** The SDK under which a behaviour runs: the build for Node, or the one for browsers. */
export type Sdk = Pick<typeof Ably, 'Realtime' | 'Rest'>

/** The service that a behaviour is shown on. */
export interface Target {
  /** A key that may do everything. */
  key: string
  /** Where it is; nothing for Ably itself. */
  place: Ably.ClientOptions
  /** A namespace with message updates, deletes and appends. */
  mutable: string
  /** Lets lost members leave that soon, in ms. */
  remainPresentFor: number
  /** How long to wait after a burst of 40 messages, so as to stay within its rate, in ms. */
  pause: number
}

/** What a behaviour works with. All that it opens is closed behind it. */
export interface Stage {
  readonly keyName: string
  /** A channel name that nobody has used, where messages may be changed. */
  mutableName(): string
  /** A channel name that nobody has used, without a namespace. */
  plainName(): string
  /** A realtime client that holds the key. */
  client(options?: Ably.ClientOptions): Ably.Realtime
  /** A realtime client in the other format. */
  otherFormat(options?: Ably.ClientOptions): Ably.Realtime
  /** A realtime client without the key, for those who bring a token. */
  visitor(options: Ably.ClientOptions): Ably.Realtime
  /** A REST client that holds the key. */
  rest(options?: Ably.ClientOptions): Ably.Rest
  /** A REST client without the key. */
  restVisitor(options: Ably.ClientOptions): Ably.Rest
  token(params?: Ably.TokenParams): Promise<Ably.TokenDetails>
  jwt(claims?: Claims, options?: { ttl?: number; secret?: string; keyName?: string }): Promise<string>
  /** Cuts a client off without a word; it comes back by itself. */
  drop(client: Ably.Realtime): void
  /** Cuts a client off for so long that it is suspended; it stays away. */
  suspend(client: Ably.Realtime): Promise<void>
  /** Makes a client forget which connection it had, so that it comes back with a new one. */
  forget(client: Ably.Realtime): void
  readonly target: Target
}

/** Something that the service does, shown through the SDK. */
export interface Behaviour {
  name: string
  run(stage: Stage): Promise<void>
}

/** Behaviours of one area; each name starts with it. */
export const area = (title: string, behaviours: Record<string, (stage: Stage) => Promise<void>>): Behaviour[] =>
  Object.entries(behaviours).map(([name, run]) => ({ name: `${title} ${name}`, run }))

/** Runs a behaviour on a target, and closes what it opened. */
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

/** What the SDK does not show, and its own tests use. */
interface Internals {
  connectionManager: {
    activeProtocol: { transport: { disconnect(): void } }
    connectionKey: string
    disconnectAllTransports(): void
    notifyState(change: { state: string }): void
  }
}

const randomText = () => `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`
