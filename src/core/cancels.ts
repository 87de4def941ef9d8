import type { Row } from './log'
import { insertBySerial, noItems, removeBySerial } from './collections'

const maxUnknown = 2000

/** Requests to stop that name a prompt instead of a run. */
export class Cancels {
  readonly #rows = new Map<string, readonly Row[]>()
  /** Prompts of which nothing else is known, oldest first. */
  readonly #unknown = new Set<string>()

  /** By serial. */
  of(inputId: string): readonly Row[] {
    return this.#rows.get(inputId) ?? noItems
  }

  /** Takes a request; answers with those that are given up, because too many name prompts that nobody has seen. */
  add(inputId: string, row: Row, isKnown: boolean): readonly Row[] {
    this.#rows.set(inputId, insertBySerial(this.of(inputId), row))
    if (!isKnown) this.#unknown.add(inputId)
    return this.#unknown.size > maxUnknown ? this.#forget(this.#unknown.keys().next().value!) : noItems
  }

  remove(inputId: string, row: Row): void {
    removeBySerial(this.of(inputId), row)
  }

  /** A prompt has been seen, so what names it is kept. */
  know(inputId: string): void {
    this.#unknown.delete(inputId)
  }

  #forget(inputId: string): readonly Row[] {
    const rows = this.of(inputId)
    this.#rows.delete(inputId)
    this.#unknown.delete(inputId)
    return rows
  }
}
