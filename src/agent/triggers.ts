import type { Row } from '../core/log'
import { Header, MessageName } from '../core/wire'

/** The inputs heard or read so far by their event id, and who waits for one. */
export class Triggers {
  readonly #rows = new Map<string, Row>()
  readonly #waiting = new Map<string, Set<(row: Row) => void>>()

  /** Takes note of an input. A prompt of several parts is several rows with one event id: the first part counts. */
  note(row: Row): void {
    const eventId = row.name === MessageName.input ? row.transport[Header.eventId] : undefined
    if (eventId === undefined) return
    const known = this.#rows.get(eventId)
    if (known && known.serial <= row.serial) return
    this.#rows.set(eventId, row)
    for (const found of this.#waiting.get(eventId) ?? []) found(row)
    this.#waiting.delete(eventId)
  }

  find(eventId: string): Row | undefined {
    return this.#rows.get(eventId)
  }

  /** Calls back once, when the input is noted; returns how to stop waiting. */
  wait(eventId: string, found: (row: Row) => void): () => void {
    const waiting = this.#waiting.get(eventId) ?? new Set()
    this.#waiting.set(eventId, waiting.add(found))
    return () => {
      waiting.delete(found)
      if (waiting.size === 0 && this.#waiting.get(eventId) === waiting) this.#waiting.delete(eventId)
    }
  }
}
