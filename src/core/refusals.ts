import type { Row } from './row'
import { Header, type Headers } from './wire'

/** The cancels of a run that its agent has refused. A refusal also covers earlier cancels by the same client. */
export class Refusals {
  /** Up to which serial cancels are refused, by client id; '' for clients without an identity. */
  readonly #upTo = new Map<string, string>()
  /** Serials of refused cancels whose client the refusal does not name. */
  readonly #unnamed: string[] = []

  /** @param headers - the headers of a refusal */
  add({ [Header.cancelSerial]: serial = '', [Header.cancelClient]: by }: Headers): void {
    if (by === undefined) this.#unnamed.push(serial)
    else note(this.#upTo, by, serial)
  }

  /** The first of these cancels that is not refused. */
  firstOpen(cancels: readonly Row[]): Row | undefined {
    const upTo = this.#unnamed.length > 0 ? new Map(this.#upTo) : this.#upTo
    for (const refused of this.#unnamed)
      note(upTo, cancels.find(({ serial }) => serial === refused)?.clientId ?? '', refused)
    return cancels.find(({ serial, clientId = '' }) => serial > (upTo.get(clientId) ?? ''))
  }
}

function note(upTo: Map<string, string>, clientId: string, serial: string): void {
  if (serial > (upTo.get(clientId) ?? '')) upTo.set(clientId, serial)
}
