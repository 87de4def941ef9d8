import type { Row } from '../core/log'
import { MessageName, type Headers } from '../core/wire'

/**
 * What this process has written of a run, as the channel holds it or will: a run that reads what it wrote must not have to
 * wait for its echo.
 */
export class Written {
  readonly #rows: Row[] = []
  readonly #attempts = new Map<string, string>()

  /** Takes note of an output; the row is to be kept in step with what follows. */
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

  /** Takes note of an attempt of a step, by the serial of its start. */
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
