/** The median of some numbers. */
export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** The first quartile of some numbers. */
export const lowerQuartile = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 2]!

/** Prints rows under their headings, numbers to the right. */
export function table(
  title: string,
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const cells = [headings, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? digits(cell) : cell)))
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('   ')
  console.log(`\n${title}\n`)
  for (const row of cells) console.log(`  ${line(row)}`)
}

const digits = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)

export interface Requirement {
  what: string
  value: number
  atMost: number
  /** A goal: printed, but no failure while it is not reached. */
  isGoal?: boolean
}

/**
 * Prints each requirement and whether it was reached; returns false if one was missed that is not only a goal.
 */
export function check(requirements: readonly Requirement[]): boolean {
  const verdict = ({ value, atMost, isGoal }: Requirement): string =>
    value <= atMost ? 'ok' : isGoal ? 'goal, not reached' : 'MISSED'
  table(
    'Requirements',
    ['', 'measured', 'at most', ''],
    requirements.map((each) => [each.what, digits3(each.value), digits3(each.atMost), verdict(each)]),
  )
  return requirements.every(({ value, atMost, isGoal }) => isGoal || value <= atMost)
}

const digits3 = (value: number): string => String(Number(value.toPrecision(3)))
