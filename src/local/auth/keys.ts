import { fullCapability, readCapability, type Capability } from './capability'
import { ProtocolError } from '../wire/error'

/** A key that the endpoint accepts. */
export interface KeyOptions {
  /** The whole key, `app.id:secret`. */
  key: string
  /** What it allows. @default everything */
  capability?: Record<string, readonly string[]>
}

/** A key, taken apart. */
export interface Key {
  /** The part before the colon, safe to show. */
  name: string
  secret: string
  capability: Capability
}

/** The key that `devKey: true` stands for. It is public: use it on loopback only. */
export const DEV_KEY = 'local.dev:not-a-secret'

/** The keys of an endpoint. */
export class Keyring {
  readonly #keys = new Map<string, Key>()

  /** @throws Error if a key is not of the form `app.id:secret` */
  constructor(keys: readonly (string | KeyOptions)[]) {
    for (const item of keys) {
      const key = readKey(typeof item === 'string' ? { key: item } : item)
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
   * The key by that name.
   * @throws ProtocolError 40400 for an unknown one, 40101 for one of another app
   */
  get(name: string, statusCode = 404): Key {
    const key = this.#keys.get(name)
    if (key) return key
    const app = name.split('.', 1)[0]
    const isOurs = [...this.#keys.keys()].some((known) => known.split('.', 1)[0] === app)
    if (!isOurs) throw new ProtocolError(40_101, 401, 'invalid credentials; no such app')
    throw new ProtocolError(40_400, statusCode, 'invalid credentials; no such key in this app')
  }
}

function readKey({ key, capability }: KeyOptions): Key {
  const [, name, secret] = /^([^.:]+\.[^:]+):(.+)$/.exec(key) ?? []
  if (!name || !secret) throw new Error('unable to read key; it must have the form "app.id:secret"')
  return { name, secret, capability: capability ? readCapability(capability) : fullCapability }
}
