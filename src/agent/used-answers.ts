import type { Answers } from '../core/answers'
import { isFork } from '../core/forks'
import type { Row } from '../core/row'
import type { RunNode } from '../core/run-node'
import { fittingIds } from './run-messages'

/** Serials of the answers in a run that count and that no message of its agent has named. */
export function answersFor(run: RunNode<object> | undefined): readonly string[] {
  return run ? unnamedIn(run.answers).map(({ serial }) => serial) : []
}

const unnamedIn = ({ counted, acted }: Answers): readonly Row[] =>
  [...counted].filter((row) => !acted.has(row) && !isFork(row))

/**
 * The answers that a run goes on with: those that it has resumed for, and those that its context has given to the model.
 * Messages of the run name them, so that they count for all clients, even if an earlier answer to the same call arrives later
 * from another site. Until then this process remembers them.
 */
export class UsedAnswers {
  readonly #serials = new Set<string>()
  /** Those that no message of this process has named. */
  readonly #unnamed = new Set<string>()

  /** The answers in a run, of which the used ones count. */
  among(run: RunNode<object>): Answers {
    return run.answersWith([...Array.from(run.answers.acted, ({ serial }) => serial), ...this.#serials])
  }

  /** Notes that the agent goes on with these answers. */
  note(answers: Answers): void {
    for (const { serial } of unnamedIn(answers)) {
      this.#serials.add(serial)
      this.#unnamed.add(serial)
    }
  }

  /** Takes the serials for the next message of the run; the next messages name those that do not fit. */
  take(): readonly string[] {
    const serials = fittingIds([...this.#unnamed])
    for (const serial of serials) this.#unnamed.delete(serial)
    return serials
  }

  /** Serials for the end of a run: of the answers that were used, and of the others that count. */
  takeLast(run: RunNode<object> | undefined): readonly string[] {
    const isNamed = new Set(Array.from(run?.answers.acted ?? [], ({ serial }) => serial))
    return [...new Set([...this.#serials, ...answersFor(run)])].filter((serial) => !isNamed.has(serial))
  }
}
