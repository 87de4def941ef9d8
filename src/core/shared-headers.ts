import { Header, type Headers } from './wire'

// NOTE: as many messages as may well be written at a time; one that falls out only shares less
const limit = 64
const textLimit = 1000

/**
 * Every channel message brings headers of its own, but the discrete outputs of one message bring the same, and so do the
 * codec headers of one kind: one copy is kept. Others share the ids that they have in common.
 */
export class SharedHeaders {
  /** The last ones by message id, or by the first thing that they say. */
  readonly #known = new Map<string, Headers>()
  #last: Headers = {}
  /** Ids met lately, and those met before them. */
  #texts = new Map<string, string>()
  #former = this.#texts

  /** The copy that is kept of transport headers. */
  of(headers: Headers): Headers {
    return this.#same(headers[Header.streamed] === 'false' ? headers[Header.messageId] : undefined, headers)
  }

  /** The copy that is kept of codec headers. */
  ofCodec(headers: Headers): Headers {
    for (const name in headers) return this.#same(headers[name], headers)
    return headers
  }

  #same(key: string | undefined, headers: Headers): Headers {
    if (key === undefined) return (this.#last = this.#share(headers))
    const known = this.#known.get(key)
    if (known && isEqual(known, headers)) return known
    const shared = this.#share(headers)
    this.#known.set(key, shared)
    if (this.#known.size > limit) this.#known.delete(this.#known.keys().next().value!)
    return shared
  }

  #share(headers: Headers): Headers {
    const shared: Record<string, string> = { ...headers }
    const last = this.#last
    for (const name in headers) {
      const text = headers[name]!
      // NOTE: most of them the message before has, too, which is seen sooner than looked up
      if (last[name] === text) shared[name] = last[name]
      else if (text.length > 12 && text.length < 100) shared[name] = this.#text(text)
    }
    return shared
  }

  /** The copy of a text that is kept. */
  #text(text: string): string {
    let known = this.#texts.get(text)
    if (known !== undefined) return known
    known = this.#former.get(text) ?? text
    if (this.#texts.size > textLimit) [this.#former, this.#texts] = [this.#texts, new Map()]
    this.#texts.set(known, known)
    return known
  }
}

function isEqual(a: Headers, b: Headers): boolean {
  let more = 0
  for (const name in a) {
    if (a[name] !== b[name]) return false
    more++
  }
  for (const _ in b) more--
  return more === 0
}
