import type { Row } from '../core/log'
import { Header, MessageName } from '../core/wire'

/** The inputs heard or read so far by their event id. */
export class Triggers {
  readonly #rows = new Map<string, Row>()

  /** Takes note of an input. A prompt of several parts is several rows with one event id: the first part counts. */
  note(row: Row): void {
    const eventId = row.name === MessageName.input ? row.transport[Header.eventId] : undefined
    if (eventId === undefined) return
    const known = this.#rows.get(eventId)
    if (!known || known.serial > row.serial) this.#rows.set(eventId, row)
  }

  find(eventId: string): Row | undefined {
    return this.#rows.get(eventId)
  }
}
