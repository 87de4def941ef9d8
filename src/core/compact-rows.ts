import type { Row, RowHome } from './row'
import type { Headers, MessageName } from './wire'

/** What the rows of nodes have in common: all that they say in order, but for serials and times. */
interface Form {
  /** For each word the name of its header; null for data, undefined for other words. */
  readonly names: readonly Name[]
  /** A number is a place among the values that only the rows of one node have; `~index` is the serial of the row there. */
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
  /** The first serial. */
  readonly first: string
  /**
   * Of each row how its serial differs from the first one, the time since the row before, and, if it has a version, how that
   * differs.
   */
  readonly places: string
}

/** The places of rows, which are in the order of their serials; no serial contains a space or a comma. */
function placesOf(rows: readonly Row[]): string {
  const first = rows[0]!.serial
  let before = 0
  return rows
    .map(({ serial, version, timestamp }) => {
      const place: unknown[] = [difference(first, serial), timestamp - before]
      if (version !== serial) place.push(difference(first, version))
      before = timestamp
      // NOTE: joined, because the parts of a template stay apart in memory
      return place.join(' ')
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

/** The serial that differs from another one in this way. */
const differing = (base: string, [begin, end, middle]: readonly string[]): string =>
  base.slice(0, Number(begin)) + middle + base.slice(base.length - Number(end))

/** The last serial. */
export const lastOf = ({ first, places }: CompactRows): string =>
  differing(first, places.slice(places.lastIndexOf(',') + 1).split(' '))

// NOTE: shorter texts are words of the protocol and of codecs, which other nodes use too
const shortest = 13
const maxForms = 32
/** How many values are texts of the node. */
const ownCount = 2

/**
 * Rows of settled nodes mostly differ from those of others in ids, times and data alone. What they have in common is kept
 * once, as their form.
 */
export class RowForms {
  /** Latest first. */
  readonly #forms: Form[] = []

  compact(rows: readonly Row[], home: RowHome, log: CompactRows['log']): CompactRows {
    // NOTE: the texts that the node keeps, too, and not equal ones of its rows
    const values: unknown[] = [home.key, home.parent]
    const form = this.#known(rows, values) ?? this.#learn(rows, values)
    const { serial: first } = rows[0]!
    // NOTE: a list that was pushed to keeps room for more
    return { log, home, form, values: values.slice(), first, places: placesOf(rows) }
  }

  #known(rows: readonly Row[], values: unknown[]): Form | undefined {
    return this.#forms.find((form) => {
      values.length = ownCount
      return fits(form, rows, values)
    })
  }

  #learn(rows: readonly Row[], values: unknown[]): Form {
    values.length = ownCount
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
    const row = rows.findIndex(({ serial }) => serial === word)
    names.push(name)
    words.push(row < 0 ? place(word, name === null ? 1 : shortest, values) : ~row)
  }
  for (const { name, transport, codec, clientId, data } of rows) {
    for (const word of [name, clientId]) add(word)
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
  const next = (word: unknown): boolean => fitsWord(words[index++], word, rows, values)
  for (const { name, transport, codec, clientId, data } of rows) {
    if (!next(name) || !next(clientId)) return false
    for (const header in transport) if (names[index] !== header || !next(transport[header])) return false
    if (names[index++] !== undefined) return false
    for (const header in codec) if (names[index] !== header || !next(codec[header])) return false
    if (names[index] !== null || !next(data)) return false
  }
  return index === words.length
}

function fitsWord(at: unknown, word: unknown, rows: readonly Row[], values: unknown[]): boolean {
  if (typeof at !== 'number' || word === undefined) return at === word
  if (at < 0) return rows[~at]?.serial === word
  if (at === values.length) values.push(word)
  return values[at] === word
}

/** The rows as they were. */
export function rowsOf({ home, form, values, first, places }: CompactRows): Row[] {
  const { names, words } = form
  const entries = places.split(',').map((place) => place.split(' '))
  const serials = entries.map((entry) => differing(first, entry))
  let index = 0
  let timestamp = 0
  const next = (): unknown => {
    const at = words[index++]
    return typeof at !== 'number' ? at : at < 0 ? serials[~at] : values[at]
  }
  const headers = (): Headers => {
    const entries: [string, string][] = []
    for (let name = names[index]; typeof name === 'string'; name = names[index]) entries.push([name, next() as string])
    return Object.fromEntries(entries)
  }
  return entries.map((entry, row): Row => {
    const serial = serials[row]!
    const version = versionOf(first, entry) ?? serial
    const name = next() as MessageName
    const clientId = next() as string | undefined
    const transport = headers()
    index++
    const codec = headers()
    timestamp += Number(entry[3])
    const data = next()
    return { serial, version, name, transport, codec, data, clientId, timestamp, partial: false, deleted: false, home }
  })
}

/** The version of one of the rows, which are not made for that; undefined for other serials. */
export function versionIn({ first, places }: CompactRows, serial: string): string | undefined {
  const at = `,${places}`.indexOf(`,${difference(first, serial)} `)
  if (at < 0) return undefined
  return versionOf(first, places.slice(at).split(',', 1)[0]!.split(' ')) ?? serial
}

/** The version that a place names, if it names one. */
const versionOf = (first: string, entry: readonly string[]): string | undefined =>
  entry.length > 4 ? differing(first, entry.slice(4)) : undefined
