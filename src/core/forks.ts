import { hasSeeds } from './access'
import type { Row } from './row'
import { MultiMap } from './collections'
import type { RunNode } from './run-node'
import { Header } from './wire'

/** Whether an input starts a run of its own with copies of a suspended run's messages. */
export const isFork = ({ transport, data }: Row): boolean =>
  transport[Header.runId] === undefined &&
  transport[Header.role] === 'assistant' &&
  (transport[Header.supersedes] !== undefined || hasSeeds(data))

/** Answers that begin a run of their own, which takes the place of the one that waits. */
export class Forks<M extends object> {
  /** Placeholders for forks whose run has not started, by the message id of the answer. */
  readonly placeholderRuns = new Map<string, RunNode<M>>()
  readonly #rows = new MultiMap<Row>()
  readonly #replacing = new MultiMap<Row>()

  readonly #allows: (row: Row) => boolean

  /** @param allows - whether the sender of an answer may replace the run that it names */
  constructor(allows: (row: Row) => boolean) {
    this.#allows = allows
  }

  /** The rows of the answer with this message id. */
  of(inputId: string): readonly Row[] {
    return this.#rows.of(inputId)
  }

  add(inputId: string, row: Row): void {
    this.#rows.add(inputId, row)
    const replaced = row.transport[Header.supersedes]
    if (replaced !== undefined) this.#replacing.add(replaced, row)
  }

  /** Drops a row that said this when it was added. */
  remove(row: Row, { [Header.messageId]: inputId = '', [Header.supersedes]: replaced = '' }: Row['transport']): void {
    this.#rows.remove(inputId, row)
    this.#replacing.remove(replaced, row)
  }

  /** Whether other runs replace this run. */
  isSuperseded(run: RunNode<M>): boolean {
    return !run.isPlaceholder && this.#replacing.of(run.key).some((row) => row.home !== run && this.#allows(row))
  }

  /** The runs whose answers name it as replaced. */
  replacing(run: RunNode<M>): readonly RunNode<M>[] {
    // The rows of forks are in runs only
    return this.#replacing.of(run.key).map(({ home }) => home as RunNode<M>)
  }

  /** The runs that take the place of this one. */
  replacementsOf(run: RunNode<M>): readonly RunNode<M>[] {
    return this.isSuperseded(run) ? this.replacing(run) : []
  }
}
