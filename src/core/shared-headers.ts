import { Header, type Headers } from './wire'

// NOTE: as many messages as may well be written at a time; one that falls out only shares less
const limit = 64
const textLimit = 1000

/**
 * Every channel message brings headers of its own, but the discrete outputs of one message bring the same: one copy is
 * kept. Others share the ids that they have in common.
 */
export class SharedHeaders {
  /** By message id. */
  readonly #known = new Map<string, Headers>()
  /** Ids met lately, and those met before them. */
  #texts = new Map<string, string>()
  #former = this.#texts

  of(headers: Headers): Headers {
    const messageId = headers[Header.messageId]
    if (messageId === undefined || headers[Header.streamed] !== 'false') return this.#share(headers)
    const known = this.#known.get(messageId)
    if (known && isEqual(known, headers)) return known
    const shared = this.#share(headers)
    this.#known.set(messageId, shared)
    if (this.#known.size > limit) this.#known.delete(this.#known.keys().next().value!)
    return shared
  }

  #share(headers: Headers): Headers {
    const shared: Record<string, string> = {}
    for (const name in headers) {
      const text = headers[name]!
      shared[name] = text.length > 12 && text.length < 100 ? this.#text(text) : text
    }
    return shared
  }

  /** The copy of a text that is kept. */
  #text(text: string): string {
    const known = this.#texts.get(text) ?? this.#former.get(text) ?? text
    if (this.#texts.size > textLimit) [this.#former, this.#texts] = [this.#texts, new Map()]
    this.#texts.set(known, known)
    return known
  }
}

function isEqual(a: Headers, b: Headers): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
