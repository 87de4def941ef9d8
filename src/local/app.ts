import { randomBytes } from 'node:crypto'
import { Authenticator } from './auth/authenticator'
import { Channels } from './channel/channels'
import { Gate } from './controls/gate'
import { DEV_KEY, Keyring, type KeyOptions } from './auth/keys'
import { defaultLimits, type Limits } from './limits'
import { noJournal } from './persist/journal'
import type { Identity } from './persist/records'
import { Store } from './persist/store'
import { PublishRules } from './controls/publish-rules'
import { createSerials, type NextSerial } from './channel/serial'
import { TokenRequests } from './auth/token-request'
import { Tokens } from './auth/token'

/** A source of time. */
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

/** A member that is present on a channel for as long as the endpoint runs. */
export interface Resident {
  clientId: string
  /** Text, bytes or JSON. */
  data?: unknown
  /** Steps by which the data was encoded, such as `json`. */
  encoding?: string
}

/** Options of the endpoint, apart from its address. */
export interface ServiceOptions {
  /** Keys to accept, `app.id:secret`. @default one random key per start */
  keys?: readonly (string | KeyOptions)[]
  /** Accept the fixed key {@link DEV_KEY} instead of a random one. @default false */
  devKey?: boolean
  /** Rules by namespace, besides those of `ai`. @default `{ ai: { mutableMessages: true } }` */
  namespaces?: Readonly<Record<string, NamespaceRules>>
  /** Members that are present from the start, by channel name. @default none */
  residents?: Readonly<Record<string, readonly Resident[]>>
  /** Bounds of the endpoint. */
  limits?: Partial<Limits>
  /** The source of time. @default the system's clock */
  clock?: Clock
  /** Makes random text of a given length, from letters and digits. @default cryptographically random */
  ids?: (length: number) => string
  /**
   * File that keeps the channels, and the key if none is given, so that a restart continues with them.
   * @default none: channels are kept in memory only
   */
  persist?: string
  /** Browser origins to accept besides those on loopback, such as `https://app.example`. @default none */
  origins?: readonly string[]
}

/** The state of one Ably app: its keys, rules, limits and channels. */
export class App {
  readonly limits: Limits
  /** Identifies this start and every restart that continues it. */
  readonly identity: Identity
  /** The file that keeps the channels, if `persist` names one. */
  readonly store?: Store
  readonly keys: Keyring
  readonly tokens: Tokens
  readonly tokenRequests: TokenRequests
  readonly auth: Authenticator
  readonly channels: Channels
  readonly rules = new PublishRules()
  readonly gate = new Gate()
  readonly origins: readonly string[]
  readonly now: () => number
  readonly ids: (length: number) => string
  readonly nextSerial: NextSerial
  readonly #namespaces: Map<string, NamespaceRules>

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
    this.store?.restore(this.channels)
  }

  /** Whether messages of a namespace may be changed. */
  isMutable(namespace: string): boolean {
    return this.#namespaces.get(namespace)?.mutableMessages ?? false
  }

  /** The time before which the history of a namespace is hidden. */
  horizon(namespace: string): number {
    const { persisted = true, mutableMessages } = this.#namespaces.get(namespace) ?? {}
    return persisted || mutableMessages ? -Infinity : this.now() - SHORT_MEMORY
  }
}

/** How long messages stay readable where they are not persisted, in ms. */
const SHORT_MEMORY = 120_000

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

const randomText = (length: number) =>
  Array.from(randomBytes(length), (byte) => ALPHABET[byte % ALPHABET.length]).join('')
