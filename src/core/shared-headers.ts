import { Header, type Headers } from './wire'

// NOTE: as many messages as may well be written at a time; one that falls out only shares less
const limit = 64
const textLimit = 1000

/**
 * Every channel message brings headers of its own, but the discrete outputs of one message bring the same: one copy is
 * kept. Others share the ids that they have in common.
 */
export class SharedHeaders {
  readonly #known = new Map<string, Headers>()
  /** Ids met lately, and those met before them. */
  #texts = new Map<string, string>()
  #former = this.#texts

  of(headers: Headers): Headers {
    const messageId = headers[Header.messageId]
    const isOutput = headers[Header.streamed] === 'false' && headers[Header.attempt] !== undefined
    if (messageId === undefined || !isOutput) return this.#share(headers)
    const known = this.#known.get(messageId)
    if (known && agree(known, headers)) return known
    this.#known.set(messageId, this.#share(headers))
    if (this.#known.size > limit) this.#known.delete(this.#known.keys().next().value!)
    return headers
  }

  // NOTE: puts equal text in the place of text, which nobody can tell, and saves a copy
  #share(headers: Headers): Headers {
    if (Object.isFrozen(headers)) return headers
    for (const name in headers) {
      const text = headers[name]!
      if (text.length > 12 && text.length < 100) (headers as Record<string, string>)[name] = this.text(text)
    }
    return headers
  }

  /** The copy of a text that is kept. */
  text(text: string): string {
    const known = this.#texts.get(text) ?? this.#former.get(text) ?? text
    if (this.#texts.size > textLimit) [this.#former, this.#texts] = [this.#texts, new Map()]
    this.#texts.set(known, known)
    return known
  }
}

/** Whether they were written by the same pass for the same run; what else a message says follows from that. */
const agree = (a: Headers, b: Headers): boolean => pass.every((header) => a[header] === b[header])

const pass = [Header.attempt, Header.runId, Header.parent, Header.steers]
