import type { capabilityOp, RealtimeClient } from 'ably'

const operations: capabilityOp[] = ['subscribe', 'publish', 'history', 'presence']

/** Asks for tokens that cover the channels in use, and no others. */
export class TokenScope {
  #covered: ReadonlySet<string> = new Set()
  #asking: Promise<void> | undefined

  constructor(
    private readonly auth: RealtimeClient['auth'],
    private readonly inUse: () => Iterable<string>,
  ) {}

  /** Resolves when the client's token covers a channel, as far as the token route grants that. */
  async cover(name: string): Promise<void> {
    // NOTE: whoever comes while a token is on its way may not be in it
    await this.#asking?.catch(() => undefined)
    if (!this.#covered.has(name)) await (this.#asking ??= this.#ask().finally(() => (this.#asking = undefined)))
  }

  async #ask(): Promise<void> {
    // NOTE: what is asked for in one go takes one token
    await Promise.resolve()
    const names = new Set(this.inUse())
    await this.auth.authorize({ capability: Object.fromEntries([...names].map((name) => [name, operations])) })
    this.#covered = names
  }
}
