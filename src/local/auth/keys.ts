import { fullCapability, readCapability, type Capability } from './capability'
import { ProtocolError } from '../wire/error'

/** A key that the endpoint accepts. */
export interface KeyOptions {
  /** The whole key, `app.id:secret`. */
  key: string
  /** The operations that it allows, as an object or its JSON. @default all */
  capability?: Record<string, readonly string[]> | string
  /** Whether its tokens can be revoked. @default false */
  revocableTokens?: boolean
}

/** A parsed key. */
export interface Key {
  /** The part before the colon, safe to show. */
  name: string
  secret: string
  capability: Capability
  revocableTokens: boolean
}

/** The key of `devKey: true`. It is public: use it on loopback only. */
export const DEV_KEY = 'local.dev:not-a-secret'

/** The keys of an endpoint. */
export class Keyring {
  readonly #keys = new Map<string, Key>()

  /**
   * @throws Error if a key is not of the form `app.id:secret`, is there twice, or has a capability that cannot be read
   */
  constructor(keys: readonly (string | KeyOptions)[]) {
    for (const item of keys) {
      const key = readKey(typeof item === 'string' ? { key: item } : item)
      if (this.#keys.has(key.name)) throw new Error(`unable to use key ${key.name}; two keys have that name`)
      this.#keys.set(key.name, key)
    }
  }

  /** The first key, which the endpoint uses for its own tokens. */
  get first(): Key {
    const [key] = this.#keys.values()
    if (!key) throw new Error('unable to start endpoint; it needs at least one key')
    return key
  }

  /** The key by that name, if there is one. */
  find(name: string): Key | undefined {
    return this.#keys.get(name)
  }

  /**
   * The key of that name, where a request names it.
   * @throws ProtocolError 40400, status 404
   */
  require(name: string): Key {
    const key = this.#keys.get(name)
    if (key) return key
    throw new ProtocolError(40_400, 404, 'no such key')
  }

  /**
   * The key of that name, where a client authenticates with it.
   * @throws ProtocolError 40400, status 401, for an unknown key; 40101 for a key of another app
   */
  get(name: string): Key {
    const key = this.#keys.get(name)
    if (key) return key
    const app = name.split('.', 1)[0]
    const isOurs = [...this.#keys.keys()].some((known) => known.split('.', 1)[0] === app)
    if (!isOurs) throw new ProtocolError(40_101, 401, 'invalid credentials; no such app')
    throw new ProtocolError(40_400, 401, 'invalid credentials; no such key in this app')
  }
}

function readKey({ key, capability, revocableTokens = false }: KeyOptions): Key {
  const [, name, secret] = /^([^.:]+\.[^:]+):(.+)$/.exec(key) ?? []
  if (!name || !secret) throw new Error('unable to read key; it must have the form "app.id:secret"')
  return { name, secret, capability: capabilityOf(name, capability), revocableTokens }
}

function capabilityOf(name: string, capability: KeyOptions['capability']): Capability {
  if (capability === undefined) return fullCapability
  try {
    return readCapability(capability)
  } catch (error) {
    throw new Error(`unable to read key ${name}; its capability is malformed`, { cause: error })
  }
}
