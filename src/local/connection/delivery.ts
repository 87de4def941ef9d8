/** How messages reach a client: each one twice, or pairs in reverse order. */
export type Disturbance = 'duplicate' | 'reorder'

/** Delivers the messages of channels to a client, in order unless a test control disturbs it. */
export class Delivery {
  readonly #send: (frame: Uint8Array) => void
  #how: Disturbance | undefined
  /** Waits for another message to overtake it. */
  #held: { readonly frame: Uint8Array; readonly serial: string } | undefined

  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send
  }

  /** @param serial - the message; undefined for presence, which is never disturbed */
  push(frame: Uint8Array, serial: string | undefined): void {
    // NOTE: Ably keeps the order of what happens to one message, so its appends do not overtake each other
    if (this.#held?.serial === serial) this.#release()
    if (this.#how === 'reorder' && !this.#held && serial !== undefined) {
      this.#held = { frame, serial }
      return
    }
    this.#send(frame)
    if (this.#how === 'duplicate' && serial !== undefined) this.#send(frame)
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
    if (held) this.#send(held.frame)
  }
}
