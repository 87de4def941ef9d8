import { Header, type Headers } from './wire'

// NOTE: as many messages as may well be written at a time; one that falls out only shares less
const limit = 64

/** Every channel message brings headers of its own, but the discrete outputs of one message bring the same: one copy is kept. */
export class SharedHeaders {
  readonly #known = new Map<string, Headers>()

  of(headers: Headers): Headers {
    const messageId = headers[Header.messageId]
    const isOutput = headers[Header.streamed] === 'false' && headers[Header.attempt] !== undefined
    if (messageId === undefined || !isOutput) return headers
    const known = this.#known.get(messageId)
    if (known && agree(known, headers)) return known
    this.#known.set(messageId, headers)
    if (this.#known.size > limit) this.#known.delete(this.#known.keys().next().value!)
    return headers
  }
}

/** Whether they were written by the same pass for the same run; what else a message says follows from that. */
const agree = (a: Headers, b: Headers): boolean => pass.every((header) => a[header] === b[header])

const pass = [Header.attempt, Header.runId, Header.parent, Header.steers]
