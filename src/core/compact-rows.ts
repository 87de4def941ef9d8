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
  /** Of each row how its serial differs from the first one, and the time since the row before. */
  readonly places: string
}

/** The places of rows, which are in the order of their serials; no serial contains a space or a comma. */
function placesOf(rows: readonly Row[]): string {
  let before = 0
  return rows
    .map(({ serial, timestamp }) => {
      // NOTE: joined, because the parts of a template stay apart in memory
      const place = [difference(rows[0]!.serial, serial), timestamp - before].join(' ')
      before = timestamp
      return place
    })
    .join()
}

/** How a serial differs from another one: how many characters are the same at both ends, and what is between them. */
function difference(base: string, serial: string): string {
  const { length } = serial
  let begin = 0
  while (begin < length && serial[begin] === base[begin]) begin++
  let end = 0
  while (end < length - begin && serial[length - 1 - end] === base[base.length - 1 - end]) end++
  return `${begin} ${end} ${serial.slice(begin, length - end)}`
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

  compact(rows: readonly Row[], home: RowHome, log: CompactRows['log']): CompactRows {
    const values: unknown[] = []
    const form = this.#known(rows, values) ?? this.#learn(rows, values)
    const { serial: first } = rows[0]!
    // NOTE: a list that was pushed to keeps room for more
    return { log, home, form, values: values.slice(), first, last: rows.at(-1)!.serial, places: placesOf(rows) }
  }

  #known(rows: readonly Row[], values: unknown[]): Form | undefined {
    return this.#forms.find((form) => {
      values.length = 0
      return fits(form, rows, values)
    })
  }

  #learn(rows: readonly Row[], values: unknown[]): Form {
    values.length = 0
    const form = learn(rows, values)
    if (this.#forms.unshift(form) > maxForms) this.#forms.pop()
    return form
  }
}

/** The form of rows; notes the values that it leaves out. */
function learn(rows: readonly Row[], values: unknown[]): Form {
  const names: Name[] = []
  const words: unknown[] = []
  const add = (word: unknown, name?: Name): void => {
    names.push(name)
    words.push(place(word, name === null ? 1 : shortest, values))
  }
  for (const { serial, version, name, transport, codec, clientId, data } of rows) {
    for (const word of [name, version === serial ? undefined : version, clientId]) add(word)
    for (const header in transport) add(transport[header], header)
    add(undefined)
    for (const header in codec) add(codec[header], header)
    add(data, null)
  }
  return { names, words }
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
  for (const { serial, version, name, transport, codec, clientId, data } of rows) {
    const own = version === serial ? undefined : version
    if (!fitsWord(words[index++], name, values) || !fitsWord(words[index++], own, values)) return false
    if (!fitsWord(words[index++], clientId, values)) return false
    for (const header in transport)
      if (names[index] !== header || !fitsWord(words[index++], transport[header], values)) return false
    if (names[index++] !== undefined) return false
    for (const header in codec)
      if (names[index] !== header || !fitsWord(words[index++], codec[header], values)) return false
    if (names[index] !== null || !fitsWord(words[index++], data, values)) return false
  }
  return index === words.length
}

function fitsWord(at: unknown, word: unknown, values: unknown[]): boolean {
  if (typeof at !== 'number' || word === undefined) return at === word
  if (at === values.length) values.push(word)
  return values[at] === word
}

/** The rows as they were. */
export function rowsOf({ home, form, values, first, places }: CompactRows): Row[] {
  const { names, words } = form
  let index = 0
  let timestamp = 0
  const next = (): unknown => {
    const at = words[index++]
    return typeof at === 'number' ? values[at] : at
  }
  const headers = (): Headers => {
    const entries: [string, string][] = []
    for (let name = names[index]; typeof name === 'string'; name = names[index]) entries.push([name, next() as string])
    return Object.fromEntries(entries)
  }
  return Array.from(places.matchAll(/(\d+) (\d+) ([^ ]*) ([^,]*),?/g), ([, begin, end, middle = '', time]): Row => {
    const serial = first.slice(0, Number(begin)) + middle + first.slice(first.length - Number(end))
    const name = next() as MessageName
    const version = (next() as string | undefined) ?? serial
    const clientId = next() as string | undefined
    const transport = headers()
    index++
    const codec = headers()
    timestamp += Number(time)
    const data = next()
    return { serial, version, name, transport, codec, data, clientId, timestamp, partial: false, deleted: false, home }
  })
}

/** The version of one of the rows, which are not made for that; undefined for other serials. */
export function versionIn({ form, values, first, places }: CompactRows, serial: string): string | undefined {
  const at = `,${places}`.indexOf(`,${difference(first, serial)} `)
  if (at < 0) return undefined
  // NOTE: data is the last word of each row
  let index = 0
  for (let end = places.indexOf(','); end >= 0 && end < at; end = places.indexOf(',', end + 1))
    index = form.names.indexOf(null, index) + 1
  const version = form.words[index + 1]
  return typeof version === 'number' ? (values[version] as string) : ((version as string | undefined) ?? serial)
}
