import type { Row } from './log'
import { insertBySerial, removeBySerial } from './sorted'

const maxUnknown = 2000
const none: readonly Row[] = []

/** Requests to stop that name a prompt instead of a run. */
export class Cancels {
  readonly #rows = new Map<string, Row[]>()
  /** Prompts of which nothing else is known, oldest first. */
  readonly #unknown = new Set<string>()

  /** By serial. */
  of(inputId: string): readonly Row[] {
    return this.#rows.get(inputId) ?? none
  }

  /** Takes a request; answers with those that are given up, because too many name prompts that nobody has seen. */
  add(inputId: string, row: Row, isKnown: boolean): readonly Row[] {
    const rows = this.#rows.get(inputId) ?? []
    insertBySerial(rows, row)
    this.#rows.set(inputId, rows)
    if (!isKnown) this.#unknown.add(inputId)
    return this.#unknown.size > maxUnknown ? this.#forget(this.#unknown.keys().next().value!) : none
  }

  remove(inputId: string, row: Row): void {
    removeBySerial(this.#rows.get(inputId) ?? [], row)
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
