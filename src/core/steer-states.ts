import type { SmallMap } from './collections'
import { idsIn } from './run-state'
import type { SteerState } from './view-message'

/** The messages that clients sent into a run while it was being written. */
export class SteerStates {
  readonly #sent = new Set<string>()
  readonly #consumed = new Set<unknown>()
  readonly #triggers: SmallMap<true>
  #touched: string[] = []

  /** @param triggers - the inputs that woke an agent */
  constructor(triggers: SmallMap<true>) {
    this.#triggers = triggers
  }

  send(id: string): void {
    this.#sent.add(id)
    this.#touched.push(id)
  }

  /** Reads which messages an output says it has taken up. */
  consume(stamp: string): void {
    for (const id of idsIn(stamp)) {
      if (this.#consumed.has(id)) continue
      this.#consumed.add(id)
      this.#touched.push(id as string)
    }
  }

  touch(id: string): void {
    if (this.#sent.has(id)) this.#touched.push(id)
  }

  /** The messages whose state may have changed since the last call. */
  touched(): readonly string[] {
    const touched = this.#touched
    this.#touched = []
    return touched
  }

  /** How a message fares; undefined for other messages. One that woke the agent again is a prompt of its own. */
  stateOf(id: string, hasEnded: boolean): SteerState | undefined {
    if (!this.#sent.has(id) || this.#triggers.get(id)) return undefined
    return this.#consumed.has(id) ? 'consumed' : hasEnded ? 'missed' : 'waiting'
  }
}
