import type { capabilityOp, RealtimeClient } from 'ably'

const operations: capabilityOp[] = ['subscribe', 'publish', 'history', 'presence']

/** Requests tokens that cover the channels in use, and no others. */
export class TokenScope {
  readonly #auth: RealtimeClient['auth']
  readonly #inUse: () => Iterable<string>
  #covered: ReadonlySet<string> = new Set()
  #request: Promise<void> | undefined

  constructor(auth: RealtimeClient['auth'], inUse: () => Iterable<string>) {
    this.#auth = auth
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
    await this.#auth.authorize({ capability: Object.fromEntries([...names].map((name) => [name, operations])) })
    this.#covered = names
  }
}
