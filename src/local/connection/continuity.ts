import { isSame, sign } from '../auth/signature'

/** The contents of a connection key: a connection of this endpoint, and how often it had connected by then. */
interface ProvenKey {
  id: string
  generation: number
}

/** Creates and checks connection keys. A key is signed, so it is valid even for a forgotten connection. */
export class ConnectionKeys {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  /** The key of a connection's nth transport. */
  issue(id: string, generation: number): string {
    return `${id}!${generation}-${sign(this.#secret, `${id}!${generation}`)}`
  }

  /** The contents of a key; `undefined` if this endpoint did not issue it. */
  read(key: string): ProvenKey | undefined {
    const [, id, generation, signature] = /^([^!:]{1,64})!(\d{1,9})-(.+)$/.exec(key) ?? []
    if (!id || !generation || !signature) return undefined
    return isSame(sign(this.#secret, `${id}!${generation}`), signature)
      ? { id, generation: Number(generation) }
      : undefined
  }
}
