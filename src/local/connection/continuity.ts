import { isSame, sign } from '../auth/signature'

/** What a connection key proves: that we gave out this connection, and how often it had connected by then. */
export interface ProvenKey {
  id: string
  generation: number
}

/** Makes and checks connection keys. A key proves itself, so it outlives what is remembered of the connection. */
export class ConnectionKeys {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  /** The key of a connection's nth transport. */
  issue(id: string, generation: number): string {
    return `${id}!${generation}-${sign(this.#secret, `${id}!${generation}`)}`
  }

  /** What a key proves; `undefined` if it is not one of ours. */
  read(key: string): ProvenKey | undefined {
    const [, id, generation, signature] = /^([^!:]{1,64})!(\d{1,9})-(.+)$/.exec(key) ?? []
    if (!id || !generation || !signature) return undefined
    return isSame(sign(this.#secret, `${id}!${generation}`), signature)
      ? { id, generation: Number(generation) }
      : undefined
  }
}
