import { randomBytes } from 'node:crypto'
import { Authenticator } from './auth/authenticator'
import { Channels } from './channel/channels'
import { seat, type Resident } from './channel/residents'
import { Connections } from './connection/connections'
import { Gate } from './controls/gate'
import { DEV_KEY, Keyring, type KeyOptions } from './auth/keys'
import { defaultLimits, type Limits } from './limits'
import { noJournal } from './persist/journal'
import type { Identity } from './persist/records'
import { Store } from './persist/store'
import { PublishRules } from './controls/publish-rules'
import { createSerials, type NextSerial } from './channel/serial'
import { REAUTH_MARGIN, type RevocationTarget, type Revoked } from './auth/revocation'
import { TokenRequests } from './auth/token-request'
import { Tokens } from './auth/token'

/** Where time comes from. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

/** Rules of a namespace, the part of a channel name before its first `:`. */
export interface NamespaceRules {
  /** Whether messages may be updated, deleted and appended to. @default false */
  mutableMessages?: boolean
  /**
   * Whether history goes back further than two minutes. Where messages may be changed it always does.
   * @default as far as the limits allow
   */
  persisted?: boolean
}

/** What the endpoint should be like. */
export interface ServiceOptions {
  /** Keys to accept, `app.id:secret`. @default one random key per start */
  keys?: readonly (string | KeyOptions)[]
  /** Accept the fixed key {@link DEV_KEY} instead of a random one. @default false */
  devKey?: boolean
  /** Rules by namespace, besides those of `ai`. @default `{ ai: { mutableMessages: true } }` */
  namespaces?: Readonly<Record<string, NamespaceRules>>
  /** Who is present on a channel from the start, by its name. @default nobody */
  residents?: Readonly<Record<string, readonly Resident[]>>
  /** Bounds to keep to. */
  limits?: Partial<Limits>
  /** Where time comes from. @default the system's clock */
  clock?: Clock
  /** Makes random text of a given length, from letters and digits. @default cryptographically random */
  ids?: (length: number) => string
  /**
   * File that keeps channels, and the key if none is given, so that a restart goes on where this start ends.
   * @default none: what is published is kept in memory alone
   */
  persist?: string
  /** Browser origins to accept besides those on loopback, such as `https://app.example`. @default none */
  origins?: readonly string[]
}

/** All that connections and requests share. Knows no server: frames and requests are handed to it. */
export class Service {
  readonly limits: Limits
  /** What makes this start the continuation of another. */
  readonly identity: Identity
  /** Where channels are kept, if they are. */
  readonly store?: Store
  readonly keys: Keyring
  readonly tokens: Tokens
  readonly tokenRequests: TokenRequests
  readonly auth: Authenticator
  readonly channels: Channels
  readonly connections: Connections
  readonly rules = new PublishRules()
  readonly gate = new Gate()
  readonly origins: readonly string[]
  readonly now: () => number
  readonly ids: (length: number) => string
  readonly nextSerial: NextSerial
  readonly #namespaces: Map<string, NamespaceRules>
  #isClosed = false

  constructor(options: ServiceOptions = {}) {
    const { keys, devKey, namespaces, limits, clock = Date, ids = randomText, persist, origins = [] } = options
    const fresh = () => ({ boot: ids(8), secret: ids(32), key: devKey ? DEV_KEY : `local.${ids(6)}:${ids(32)}` })
    this.store = persist === undefined ? undefined : new Store(persist, fresh)
    this.identity = this.store?.identity ?? fresh()
    this.ids = ids
    this.now = () => clock.now()
    this.origins = origins
    this.limits = { ...defaultLimits, ...limits }
    this.#namespaces = new Map(Object.entries({ ai: { mutableMessages: true }, ...namespaces }))
    this.keys = new Keyring(keys ?? [devKey ? DEV_KEY : this.identity.key])
    this.tokens = new Tokens(this.keys, this.now)
    this.tokenRequests = new TokenRequests(this.now)
    this.auth = new Authenticator(this.keys, this.tokens, this.now)
    this.nextSerial = createSerials(this.now, this.identity.boot, this.store?.lastSerial)
    this.channels = new Channels(this.limits, this.nextSerial, this.store ?? noJournal)
    this.connections = new Connections(this)
    this.store?.restore(this.channels)
    for (const [channel, residents] of Object.entries(options.residents ?? {})) seat(this, channel, residents)
  }

  /** Whether messages of a namespace may be changed. */
  isMutable(namespace: string): boolean {
    return this.#namespaces.get(namespace)?.mutableMessages ?? false
  }

  /**
   * Calls tokens of a key back: at once, or with a margin in which clients are asked to get new ones.
   * @param issuedBefore spares tokens issued later @default now
   */
  revoke(keyName: string, target: RevocationTarget, issuedBefore = this.now(), hasMargin = false): Revoked {
    const margin = hasMargin ? REAUTH_MARGIN : 0
    const result = this.auth.revocations.add(keyName, target, issuedBefore, margin)
    this.connections.recheckTokens(result.appliesAt, margin)
    return result
  }

  /** The time before which the history of a namespace is not told. */
  horizon(namespace: string): number {
    const { persisted = true, mutableMessages } = this.#namespaces.get(namespace) ?? {}
    return persisted || mutableMessages ? -Infinity : this.now() - SHORT_MEMORY
  }

  /** Sends everyone away and stops all timers. */
  close() {
    if (this.#isClosed) return
    this.#isClosed = true
    this.channels.flush()
    this.connections.close()
    this.channels.close()
    this.store?.close()
  }
}

/** How long messages are told of where they are not persisted, in ms. */
const SHORT_MEMORY = 120_000

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

const randomText = (length: number) =>
  Array.from(randomBytes(length), (byte) => ALPHABET[byte % ALPHABET.length]).join('')
