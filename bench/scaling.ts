import type { Contender } from './contenders/contender.ts'
import type { Costs } from './live.ts'
import { table, type Requirement } from './report.ts'

/** Something whose cost may or may not grow with something else. */
export interface Scaling {
  /** What is measured. */
  what: string
  /** What it may depend on. */
  by: string
  sizes: readonly [small: number, large: number]
  cost: Costs<number>
  /** How many times as much ours may cost when large. */
  atMost: number
  isGoal?: boolean
}

/** Prints what something costs, small and large, for contenders of which the first is ours. */
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
