import type { Row } from '../core/log'
import { MessageName, type Headers } from '../core/wire'

/** The output that this process has published of a run, so that the run can read it before its echo arrives. */
export class PublishedRows {
  readonly #rows: Row[] = []
  readonly #attempts = new Map<string, string>()

  /** Adds an output. The caller keeps the row's data up to date while the output streams. */
  add(serial: string, transport: Headers, codec: Headers, data: unknown): Row {
    const row: Row = {
      serial,
      version: serial,
      name: MessageName.output,
      transport,
      codec,
      data,
      clientId: undefined,
      timestamp: 0,
      partial: false,
      deleted: false,
    }
    this.#rows.push(row)
    return row
  }

  /** @param serial - serial of the attempt's step-start */
  addAttempt(stepId: string, serial: string): void {
    this.#attempts.set(stepId, serial)
  }

  rows(): readonly Row[] {
    return this.#rows
  }

  /** Serial of the newest attempt by step id. */
  attempts(): ReadonlyMap<string, string> {
    return this.#attempts
  }
}
