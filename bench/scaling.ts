import type { Contender } from './contenders/contender.ts'
import type { Costs } from './live.ts'
import { table, type Requirement } from './report.ts'

/** A cost that may or may not grow with a size. */
export interface Scaling {
  /** The name of the cost. */
  what: string
  /** The name of the size. */
  by: string
  sizes: readonly [small: number, large: number]
  cost: Costs<number>
  /** The largest allowed ratio of our costs, large to small. */
  atMost: number
  isGoal?: boolean
}

/** Prints a cost, small and large, for contenders of which the first is ours. */
export function scaling(contenders: readonly Contender[], given: Scaling): Requirement {
  const { what, by, cost, sizes, atMost, isGoal } = given
  const [small, large] = sizes
  const ours = contenders[0]!
  const growth = (each: Contender): number => cost(each, large) / cost(each, small)
  table(
    `${what}: microseconds, by ${by}`,
    ['', ...sizes.map(String), 'large / small', 'large / ours'],
    contenders.map((each) => [
      each.name,
      cost(each, small),
      cost(each, large),
      growth(each),
      cost(each, large) / cost(ours, large),
    ]),
  )
  return { what: `${what}: at ${large} / at ${small} ${by}`, value: growth(ours), atMost, isGoal }
}
