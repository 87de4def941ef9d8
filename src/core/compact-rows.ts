import type { Row, RowHome } from './row'
import type { Headers, MessageName } from './wire'

/** What the rows of nodes have in common: all that they say in order, but for serials and times. */
interface Form {
  /** For each word the name of its header; null for data, undefined for other words. */
  readonly names: readonly Name[]
  /** A number is a place among the values that only the rows of one node have. */
  readonly words: readonly unknown[]
}

type Name = string | null | undefined

/** The rows of one node in little room, until one of them changes or is asked for. */
export interface CompactRows {
  /** The table that they belong to. */
  readonly log: { expand(compact: CompactRows): void }
  readonly home: RowHome
  readonly form: Form
  /** What the form leaves out: mostly ids and text. */
  readonly values: readonly unknown[]
  /** The first and the last serial. */
  readonly first: string
  readonly last: string
  /** How many characters all serials have in common at their beginnings and at their ends. */
  readonly head: number
  readonly tail: number
  /** The time of the first row. */
  readonly since: number
  /** Of each row the rest of its serial, and the time after the first row. */
  readonly places: string
}

// NOTE: shorter texts are words of the protocol and of codecs, which other nodes use too
const shortest = 13
const maxForms = 32

/**
 * Rows of settled nodes mostly differ from those of others in ids, times and data alone. What they have in common is kept
 * once, as their form.
 */
export class RowForms {
  /** Latest first. */
  readonly #forms: Form[] = []

  /** @param rows - by serial; no serial contains a space or a comma */
  compact(rows: readonly Row[], home: RowHome, log: CompactRows['log']): CompactRows {
    const { serial: first, timestamp: since } = rows[0]!
    const last = rows.at(-1)!.serial
    let head = first === last ? first.length : 0
    while (head < first.length && first[head] === last[head]) head++
    let end = first.slice(head)
    for (const { serial } of rows) while (serial.length < head + end.length || !serial.endsWith(end)) end = end.slice(1)
    const tail = end.length
    const places = rows
      .map(({ serial, timestamp }) => `${serial.slice(head, serial.length - tail)} ${timestamp - since}`)
      .join()
    return { log, home, ...this.#formOf(rows), first, last, head, tail, since, places }
  }

  #formOf(rows: readonly Row[]): Pick<CompactRows, 'form' | 'values'> {
    for (const form of this.#forms) {
      const values: unknown[] = []
      // NOTE: a list that was pushed to keeps room for more
      if (fits(form, rows, values)) return { form, values: values.slice() }
    }
    const [names, words, values]: [Name[], unknown[], unknown[]] = [[], [], []]
    everyWord(rows, (word, name) => {
      names.push(name)
      words.push(place(word, name === null ? 1 : shortest, values))
      return true
    })
    if (this.#forms.unshift({ names, words }) > maxForms) this.#forms.pop()
    return { form: this.#forms[0]!, values: values.slice() }
  }
}

/** Whether this holds for every word of rows. */
function everyWord(rows: readonly Row[], holds: (word: unknown, name?: Name) => boolean): boolean {
  for (const { serial, version, name, transport, codec, clientId, data } of rows) {
    if (!holds(name) || !holds(version === serial ? undefined : version) || !holds(clientId)) return false
    for (const header in transport) if (!holds(transport[header], header)) return false
    if (!holds(undefined)) return false
    for (const header in codec) if (!holds(codec[header], header)) return false
    if (!holds(data, null)) return false
  }
  return true
}

/** A word for a form: itself if it is short, or else its place among the values. */
function place(word: unknown, length: number, values: unknown[]): unknown {
  if (word === undefined || (typeof word === 'string' && word.length < length)) return word
  const known = values.indexOf(word)
  return known < 0 ? values.push(word) - 1 : known
}

/** Whether rows have a form; notes the values that it leaves out. */
function fits({ names, words }: Form, rows: readonly Row[], values: unknown[]): boolean {
  let index = 0
  const isWhole = everyWord(rows, (word, name) => {
    const at = words[index]
    if (names[index++] !== name) return false
    if (typeof at !== 'number' || word === undefined) return at === word
    if (at === values.length) values.push(word)
    return values[at] === word
  })
  return isWhole && index === words.length
}

/** The rows as they were. */
export function rowsOf({ home, form, values, first, head, tail, since, places }: CompactRows): Row[] {
  const [begin, end] = [first.slice(0, head), first.slice(first.length - tail)]
  const { names, words } = form
  let index = 0
  const next = (): unknown => {
    const at = words[index++]
    return typeof at === 'number' ? values[at] : at
  }
  const headers = (): Headers => {
    const entries: [string, string][] = []
    for (let name = names[index]; typeof name === 'string'; name = names[index]) entries.push([name, next() as string])
    return Object.fromEntries(entries)
  }
  return Array.from(places.matchAll(/([^ ]*) ([^,]*),?/g), ([, rest, time]): Row => {
    const serial = `${begin}${rest}${end}`
    const name = next() as MessageName
    const version = (next() as string | undefined) ?? serial
    const clientId = next() as string | undefined
    const transport = headers()
    index++
    const codec = headers()
    const timestamp = since + Number(time)
    const data = next()
    return { serial, version, name, transport, codec, data, clientId, timestamp, partial: false, deleted: false, home }
  })
}

/** The version of one of the rows, which are not made for that; undefined for other serials. */
export function versionIn(
  { form, values, first, head, tail, places }: CompactRows,
  serial: string,
): string | undefined {
  const rest = serial.slice(head, serial.length - tail)
  if (first.slice(0, head) + rest + first.slice(first.length - tail) !== serial) return undefined
  const at = `,${places}`.indexOf(`,${rest} `)
  if (at < 0) return undefined
  // NOTE: data is the last word of each row
  let index = 0
  for (let end = places.indexOf(','); end >= 0 && end < at; end = places.indexOf(',', end + 1))
    index = form.names.indexOf(null, index) + 1
  const version = form.words[index + 1]
  return typeof version === 'number' ? (values[version] as string) : ((version as string | undefined) ?? serial)
}
