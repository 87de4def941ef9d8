import type { Row, RowHome } from './rows'
import type { Headers, MessageName } from './wire'

/** What the rows of nodes have in common: all that they say in order, but for serials and times. */
interface Form {
  /** The table that the rows belong to. */
  readonly log: { expand(compact: CompactRows): void }
  /** For each word the name of its header; null for data, undefined for other words. */
  readonly names: readonly Name[]
  /**
   * A number is a place among the values that only the rows of one node have; `~index` is the serial of the row there.
   */
  readonly words: readonly unknown[]
}

type Name = string | null | undefined

/**
 * The rows of one node in little room, until one of them changes or is asked for. An example, a prompt with two parts:
 *
 *     serial       name      transport: role, codec-message-id   data            client   time
 *     017-1@site   ai-input  user, id-of-the-prompt              What is this?   ann      1000
 *     018-0@site   ai-input  user, id-of-the-prompt              A file.         ann      1005
 *
 * Its form has a word for each name, client, header and data. Here are those of the first row. A number is a place in a
 * list of the node's key, its parent, and the `values`, which have what the form leaves out:
 *
 *     names    -         -    role  codec-message-id  (end)  null
 *     words    ai-input  ann  user  0                 -      2
 *     values   What is this?, A file.
 *     places   2 5,7-1 1000,8-0 5
 *
 * All serials begin with the same 2 characters and end with the same 5, so `7-1` stands for `017-1@site`. The second
 * row was sent 5 milliseconds after the first one, and neither has a version of its own.
 */
export interface CompactRows {
  readonly home: RowHome
  readonly form: Form
  /** What the form leaves out: mostly ids and text. */
  readonly values: readonly unknown[]
  /** The first serial. */
  readonly first: string
  /**
   * How many characters all serials and versions have in common at both ends. Then of each row what is between them in
   * the serial, the time since the row before, and what is between them in the version, if it has one.
   */
  readonly places: string
}

/** The places of rows, which are in the order of their serials; no serial contains a space or a comma. */
function placesOf(rows: readonly Row[]): string {
  const [begin, end] = commonEnds(rows)
  const between = (serial: string): string => serial.slice(begin, serial.length - end)
  const places = [`${begin} ${end}`]
  let before = 0
  // NOTE: all loops over rows here run for each node of a page, and walking a list by index is the cheapest way
  for (let at = 0; at < rows.length; at++) {
    const { serial, version, timestamp } = rows[at]!
    const place = `${between(serial)} ${timestamp - before}`
    places.push(version === serial ? place : `${place} ${between(version)}`)
    before = timestamp
  }
  // NOTE: joined, because the parts of a template stay apart in memory
  return places.join()
}

/** How many characters all serials and versions of rows have in common at their beginnings, and at their ends. */
function commonEnds(rows: readonly Row[]): [begin: number, end: number] {
  const { serial: first } = rows[0]!
  // NOTE: a time, `-`, a counter, and a site that is the same in all of them: little is to be shortened
  const middle = first.indexOf('-')
  let head = first.slice(0, middle)
  let tail = first.slice(middle)
  const shorten = (text: string): void => {
    while (!text.endsWith(tail)) tail = tail.slice(1)
    while (!text.startsWith(head) || text.length < head.length + tail.length) head = head.slice(0, -1)
  }
  for (let at = 0; at < rows.length; at++) {
    const { serial, version } = rows[at]!
    shorten(serial)
    if (version !== serial) shorten(version)
  }
  return [head.length, tail.length]
}

/** The serial or version that has this between the common ends. */
function whole({ first, places }: CompactRows, between: string): string {
  const [begin = 0, end = 0] = commonIn(places)
  return first.slice(0, begin) + between + first.slice(first.length - end)
}

const commonIn = (places: string): number[] => places.slice(0, places.indexOf(',')).split(' ').map(Number)

// NOTE: shorter texts are words of the protocol and of codecs, which other nodes use too
const shortest = 13
const maxForms = 32
/** The texts that a node keeps, too, so that equal ones of its rows need no room. */
const ownValues = ({ key, parent }: RowHome): unknown[] => [key, parent]
const ownCount = 2

/**
 * Rows of settled nodes mostly differ from those of others in ids, times and data alone. What they have in common is
 * kept once, as their form.
 */
export class RowForms {
  /** Latest first. */
  readonly #forms: Form[] = []

  compact(rows: readonly Row[], home: RowHome, log: Form['log']): CompactRows {
    let values: unknown[] = []
    let form = this.#forms.find((known) => fits(known, rows, (values = ownValues(home))))
    if (!form) {
      form = { log, ...learn(rows, (values = ownValues(home))) }
      if (this.#forms.unshift(form) > maxForms) this.#forms.pop()
    }
    const { serial: first } = rows[0]!
    // NOTE: a list that was pushed to keeps room for more
    return { home, form, values: values.slice(ownCount), first, places: placesOf(rows) }
  }
}

/** Visits all that rows say in order, but for serials and times, while the answer is true; see {@link Form}. */
function visitWords(rows: readonly Row[], visit: (name: Name, word: unknown) => boolean): boolean {
  for (let at = 0; at < rows.length; at++) {
    const { name, transport, codec, clientId, data } = rows[at]!
    if (!visit(undefined, name) || !visit(undefined, clientId)) return false
    for (const header in transport) if (!visit(header, transport[header])) return false
    if (!visit(undefined, undefined)) return false
    for (const header in codec) if (!visit(header, codec[header])) return false
    if (!visit(null, data)) return false
  }
  return true
}

/** The form of rows; notes the values that it leaves out. */
function learn(rows: readonly Row[], values: unknown[]): Omit<Form, 'log'> {
  const places = new Map(values.map((value, at) => [value, at]))
  rows.forEach(({ serial }, row) => places.set(serial, ~row))
  const names: Name[] = []
  const words: unknown[] = []
  visitWords(rows, (name, word) => {
    words.push(place(word, name === null ? 1 : shortest, values, places))
    return names.push(name) > 0
  })
  return { names, words }
}

/** A word for a form: itself if it is short and no serial, or else its place. */
function place(word: unknown, length: number, values: unknown[], places: Map<unknown, number>): unknown {
  const known = places.get(word)
  if (word === undefined || (typeof word === 'string' && word.length < length && !(known! < 0))) return word
  if (known === undefined) places.set(word, values.push(word) - 1)
  return known ?? values.length - 1
}

/** Whether rows have a form; notes the values that it leaves out. */
function fits({ names, words }: Form, rows: readonly Row[], values: unknown[]): boolean {
  let index = 0
  const isWhole = visitWords(rows, (name, word) => {
    if (names[index] !== name) return false
    const at = words[index++]
    if (typeof at !== 'number' || word === undefined) return at === word
    if (at < 0) return rows[~at]?.serial === word
    if (at === values.length) values.push(word)
    return values[at] === word
  })
  return isWhole && index === words.length
}

/** The rows as they were. */
export function rowsOf(compact: CompactRows): Row[] {
  const { home, form, places } = compact
  const values = [...ownValues(home), ...compact.values]
  const { names, words } = form
  const entries = places
    .split(',')
    .slice(1)
    .map((place) => place.split(' '))
  const serials = entries.map(([between = '']) => whole(compact, between))
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
  return entries.map(([, time, between], row): Row => {
    const serial = serials[row]!
    const version = between === undefined ? serial : whole(compact, between)
    const name = next() as MessageName
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
export function versionIn(compact: CompactRows, serial: string): string | undefined {
  const { places } = compact
  const [begin, end = 0] = commonIn(places)
  const between = serial.slice(begin, serial.length - end)
  const at = whole(compact, between) === serial ? places.indexOf(`,${between} `) : -1
  if (at < 0) return undefined
  const [, , version] = places
    .slice(at + 1)
    .split(',', 1)[0]!
    .split(' ')
  return version === undefined ? serial : whole(compact, version)
}
