import type { Channel } from '../ably/session-channel'

/** Whether the network seems to be there: the browser does not deny it, and the session's connection is up. */
export class Network {
  readonly #listeners = new Set<() => void>()
  #stop: (() => void) | undefined
  #wasUp = true

  constructor(private readonly channel: Pick<Channel, 'isConnected' | 'onConnection'>) {}

  get isUp(): boolean {
    // NOTE: `navigator.onLine` is missing in Node, and true means little; false is certain
    return this.channel.isConnected && (globalThis.navigator as Navigator | undefined)?.onLine !== false
  }

  /** Calls when the network is back after it was away; returns how to stop. */
  onBack(listener: () => void): () => void {
    this.#listeners.add(listener)
    if (!this.#stop) this.#listen()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    }
  }

  #listen(): void {
    this.#wasUp = this.isUp
    const look = (): void => this.#look()
    const stop = this.channel.onConnection(look)
    // NOTE: pages and workers hear of it, Node does not
    for (const event of ['online', 'offline']) globalThis.addEventListener?.(event, look)
    this.#stop = () => {
      stop()
      for (const event of ['online', 'offline']) globalThis.removeEventListener?.(event, look)
    }
  }

  #look(): void {
    const wasUp = this.#wasUp
    this.#wasUp = this.isUp
    if (this.#wasUp && !wasUp) for (const listener of this.#listeners) listener()
  }
}
