/** How messages reach a client: each one twice, or pairs in reverse order. */
export type Disturbance = 'duplicate' | 'reorder'

/** Delivers the messages of channels to a client, in order unless a test control disturbs it. */
export class Delivery {
  readonly #send: (frame: Uint8Array) => void
  #how: Disturbance | undefined
  /** Waits for another one to overtake it. */
  #held: Uint8Array | undefined

  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send
  }

  push(frame: Uint8Array): void {
    if (this.#how === 'reorder' && !this.#held) {
      this.#held = frame
      return
    }
    this.#send(frame)
    if (this.#how === 'duplicate') this.#send(frame)
    this.#release()
  }

  /** Disturbs it until the returned function is called. */
  disturb(how: Disturbance): () => void {
    this.#how = how
    return () => {
      this.#how = undefined
      this.#release()
    }
  }

  /** Forgets a message that waits, because the client has gone. */
  clear(): void {
    this.#held = undefined
  }

  #release(): void {
    const held = this.#held
    this.clear()
    if (held) this.#send(held)
  }
}
