import type { Channel } from './session-channel'

/** Whether the network seems to be up: the browser does not deny it, and the session's connection is up. */
export class Network {
  readonly #channel: Pick<Channel, 'isConnected' | 'onConnection'>
  readonly #listeners = new Set<() => void>()
  #stop: (() => void) | undefined
  #wasUp = true

  constructor(channel: Pick<Channel, 'isConnected' | 'onConnection'>) {
    this.#channel = channel
  }

  get isUp(): boolean {
    // NOTE: `navigator.onLine` is missing in Node, and true means little; false is certain
    return this.#channel.isConnected && (globalThis.navigator as Navigator | undefined)?.onLine !== false
  }

  /** Calls the listener each time the network comes back; returns a function that removes it. */
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
    const check = (): void => this.#check()
    const stop = this.#channel.onConnection(check)
    // NOTE: pages and workers have these events, Node does not
    for (const event of ['online', 'offline']) globalThis.addEventListener?.(event, check)
    this.#stop = () => {
      stop()
      for (const event of ['online', 'offline']) globalThis.removeEventListener?.(event, check)
    }
  }

  #check(): void {
    const wasUp = this.#wasUp
    this.#wasUp = this.isUp
    if (this.#wasUp && !wasUp) for (const listener of this.#listeners) listener()
  }
}
