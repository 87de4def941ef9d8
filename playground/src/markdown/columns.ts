/** The width of a letter, in em. */
const letter = 0.58
/** The gap to the next column, in letters. */
const gap = 3

/** The columns of a table for CSS. */
export interface Columns {
  /** The tracks of a row's grid. */
  readonly tracks: string
  /** The least width of the table. Below it, the table scrolls. */
  readonly minWidth: string
}

/**
 * Widths from the headings and the first row, in HTML. Later rows cannot change them, so that a row that arrives moves
 * nothing.
 */
export function columnsOf(head: string, row: string): Columns {
  const cells = cellsOf(row)
  const columns = cellsOf(head).map((heading, index) => {
    const texts = [heading, cells[index] ?? '']
    const whole = clamp(longest(texts) + gap, 11, 32)
    const word = clamp(longest(texts.flatMap((text) => text.split(/\s/))) + gap, 0, 18)
    return { whole, least: Math.max(word, Math.min(14, whole * 0.6)) * letter }
  })
  return {
    tracks: columns.map(({ whole, least }) => `minmax(${em(least)}, ${whole}fr)`).join(' '),
    minWidth: em(columns.reduce((sum, { least }) => sum + least, 0)),
  }
}

const cellsOf = (html: string): readonly string[] =>
  (html.match(/<(th|td)\b[^]*?<\/\1>/g) ?? []).map((cell) => cell.replace(/<[^>]*>/g, '').replace(/&\w+;/g, '_'))

const longest = (texts: readonly string[]): number => Math.max(...texts.map(({ length }) => length))
const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))
const em = (value: number): string => `${Number(value.toFixed(2))}em`
