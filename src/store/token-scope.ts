import type { capabilityOp } from 'ably'

const operations: capabilityOp[] = ['subscribe', 'publish', 'history', 'presence']

/** Requests a token with these operations for each channel. */
export type RequestToken = (capability: Record<string, capabilityOp[]>) => Promise<void>

/** Requests tokens that cover the channels in use, and no others. */
export class TokenScope {
  readonly #requestToken: RequestToken
  readonly #inUse: () => Iterable<string>
  #covered: ReadonlySet<string> = new Set()
  #request: Promise<void> | undefined

  constructor(requestToken: RequestToken, inUse: () => Iterable<string>) {
    this.#requestToken = requestToken
    this.#inUse = inUse
  }

  /** Resolves when the client's token covers a channel, as far as the token route grants that. */
  async cover(name: string): Promise<void> {
    // NOTE: a token that is on its way may not cover a channel that came into use since
    await this.#request?.catch(() => undefined)
    if (!this.#covered.has(name)) await (this.#request ??= this.#send().finally(() => (this.#request = undefined)))
  }

  async #send(): Promise<void> {
    // NOTE: channels that come into use in the same tick share one token
    await Promise.resolve()
    const names = new Set(this.#inUse())
    await this.#requestToken(Object.fromEntries([...names].map((name) => [name, operations])))
    this.#covered = names
  }
}
