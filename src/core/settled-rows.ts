import type { Row, RowHome } from './row'
import type { Headers, MessageName } from './wire'

/** A text as a form has it: itself, or its place among the texts of the rows. */
type FormText = string | number

/** What the headers of a row say, in order. */
interface HeaderForm {
  readonly names: readonly string[]
  readonly texts: readonly FormText[]
}

/** Everything about a row but its serial, time and data, and the texts that only its node's rows have. */
interface RowForm {
  readonly name: MessageName
  /** Undefined when it is the serial. */
  readonly version: FormText | undefined
  readonly transport: HeaderForm
  readonly codec: HeaderForm
  readonly author: FormText | undefined
}

type Form = readonly RowForm[]

/** The rows of one node in little room, until one of them changes or is asked for. */
export interface SettledRows {
  /** The table that they belong to. */
  readonly log: { open(settled: SettledRows): readonly Row[] }
  readonly home: RowHome
  readonly form: Form
  /** The texts that the form leaves out: mostly ids. */
  readonly texts: readonly string[]
  /** The time of the first row. */
  readonly since: number
  /** The serial, the time after the first row, and the data of each row. */
  readonly cells: readonly unknown[]
}

/** A form with the texts that it leaves out. */
type FilledForm = Pick<SettledRows, 'form' | 'texts'>

const cellCount = 3
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

  settle(rows: readonly Row[], home: RowHome, log: SettledRows['log']): SettledRows {
    const since = rows[0]!.timestamp
    const cells: unknown[] = []
    for (const { serial, timestamp, data } of rows) cells.push(serial, timestamp - since, data)
    const { form, texts } = this.#known(rows) ?? this.#learn(rows)
    // NOTE: a list that was pushed to keeps room for more
    return { log, home, form, texts: texts.slice(), since, cells: cells.slice() }
  }

  #known(rows: readonly Row[]): FilledForm | undefined {
    for (const form of this.#forms) {
      const texts: string[] = []
      if (form.length === rows.length && fits(form, rows, texts)) return { form, texts }
    }
    return undefined
  }

  #learn(rows: readonly Row[]): FilledForm {
    const texts: string[] = []
    const form = rows.map((row) => formOf(row, texts))
    if (this.#forms.unshift(form) > maxForms) this.#forms.pop()
    return { form, texts }
  }
}

/** The rows as they were. */
export const rowsOf = ({ home, form, texts, since, cells }: SettledRows): Row[] =>
  form.map(({ name, version: given, transport, codec, author }, index) => {
    const [serial, time, data] = cells.slice(index * cellCount) as [string, number, unknown]
    const version = textOf(given, texts) ?? serial
    const clientId = textOf(author, texts)
    const headers = { transport: headersOf(transport, texts), codec: headersOf(codec, texts) }
    const timestamp = since + time
    return { serial, version, name, ...headers, data, clientId, timestamp, partial: false, deleted: false, home }
  })

/** The version of one of the rows. */
export function versionIn({ form, texts, cells }: SettledRows, serial: string): string {
  const index = form.findIndex((_, at) => cells[at * cellCount] === serial)
  return textOf(form[index]!.version, texts) ?? serial
}

const ownVersion = ({ serial, version }: Row): string | undefined => (version === serial ? undefined : version)

function formOf(row: Row, texts: string[]): RowForm {
  const place = <T extends string | undefined>(text: T): T | number => {
    if (text === undefined || text.length < shortest) return text
    const known = texts.indexOf(text)
    return known < 0 ? texts.push(text) - 1 : known
  }
  const form = (headers: Headers): HeaderForm => ({
    names: Object.keys(headers),
    texts: Object.values(headers).map(place),
  })
  // NOTE: in the order in which `fits` goes through them
  const [version, transport, codec] = [place(ownVersion(row)), form(row.transport), form(row.codec)]
  return { name: row.name, version, transport, codec, author: place(row.clientId) }
}

/** Whether rows have a form; notes the texts that the form leaves out. */
function fits(form: Form, rows: readonly Row[], texts: string[]): boolean {
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!
    const { name, version, transport, codec, author } = form[index]!
    if (name !== row.name || !fitsText(version, ownVersion(row), texts)) return false
    if (!fitsHeaders(transport, row.transport, texts) || !fitsHeaders(codec, row.codec, texts)) return false
    if (!fitsText(author, row.clientId, texts)) return false
  }
  return true
}

function fitsHeaders({ names, texts: forms }: HeaderForm, headers: Headers, texts: string[]): boolean {
  let at = 0
  for (const name in headers) {
    if (names[at] !== name || !fitsText(forms[at], headers[name], texts)) return false
    at++
  }
  return at === names.length
}

function fitsText(form: FormText | undefined, text: string | undefined, texts: string[]): boolean {
  if (typeof form !== 'number' || text === undefined) return form === text
  if (form < texts.length) return texts[form] === text
  texts.push(text)
  return true
}

const textOf = <T extends FormText | undefined>(form: T, texts: readonly string[]): string | Exclude<T, number> =>
  typeof form === 'number' ? texts[form]! : (form as Exclude<T, number>)

const headersOf = ({ names, texts }: HeaderForm, own: readonly string[]): Headers =>
  Object.fromEntries(names.map((name, index) => [name, textOf(texts[index]!, own)]))
