import { hasSeeds } from './access'
import type { Row } from './rows'
import { bySerial, MultiMap, noItems } from './collections'
import { Answers } from './answers'
import type { Codec } from './codec'
import type { RunNode } from './run-node'
import { Header } from './wire'

/** Whether an input starts a run of its own with copies of a suspended run's messages. */
export const isFork = ({ transport, data }: Row): boolean =>
  transport[Header.runId] === undefined &&
  transport[Header.role] === 'assistant' &&
  (transport[Header.supersedes] !== undefined || hasSeeds(data))

/** Answers that begin a run of their own, which takes the place of the one that waits. */
export class Forks<M extends object> {
  /** Placeholders for forks without a started run, by the message id of the answer. */
  readonly placeholderRuns = new Map<string, RunNode<M>>()
  readonly #rows = new MultiMap<Row>()
  readonly #replacing = new MultiMap<Row>()
  /** The answers of a replaced run when it settled last. */
  readonly #settled = new WeakMap<RunNode<M>, Answers>()
  readonly #runs: ReadonlyMap<string, RunNode<M>>
  readonly #allows: (row: Row) => boolean

  /** @param allows - whether the sender of an answer may replace the run that it names */
  constructor(runs: ReadonlyMap<string, RunNode<M>>, allows: (row: Row) => boolean) {
    this.#runs = runs
    this.#allows = allows
  }

  /** Whether forks name this run as replaced. */
  areOf({ key, isPlaceholder }: RunNode<M>): boolean {
    return !isPlaceholder && this.#replacing.of(key).length > 0
  }

  /**
   * The answers that count in a run, those of the forks that may replace it among them.
   *
   * @param own - the answers in the run, by serial
   * @param named - serials of those that its agent has gone on with, oldest first
   */
  withAnswersTo(run: RunNode<M>, own: readonly Row[], named: readonly unknown[], codec: Codec<M>): Answers {
    if (!this.areOf(run)) return new Answers(codec, own, named)
    const forks = this.#replacing
      .of(run.key)
      .filter((row) => this.mayReplace(run, row))
      .toSorted(bySerial)
    // NOTE: the answer that a run began with has no run id
    const first = own.filter(({ transport }) => transport[Header.runId] === undefined)
    const started = forks.filter(({ home }) => !(home as RunNode<M>).isPlaceholder)
    const serialsOf = (rows: readonly Row[]): string[] => rows.map(({ serial }) => serial)
    const all = [...own, ...forks].toSorted(bySerial)
    return new Answers(codec, all, [...serialsOf(first), ...named, ...serialsOf(started)])
  }

  mayReplace({ key }: RunNode<M>, row: Row): boolean {
    return row.home?.key !== key && this.#allows(row)
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

  /** Whether a run is on no branch: other runs replace it, or it is a late fork. */
  isSuperseded(run: RunNode<M>): boolean {
    if (run.isPlaceholder) return this.#isLate(run)
    return this.#replacing.of(run.key).some((row) => this.#replaces(run, row))
  }

  /** Whether a fork that no agent has accepted answers a call after another answer to it. */
  #isLate(fork: RunNode<M>): boolean {
    if (!fork.isPlaceholder) return false
    const [replaced] = fork.rows.flatMap(({ transport }) => this.#runs.get(transport[Header.supersedes] ?? '') ?? [])
    return replaced?.answers.isLateFork(fork) === true
  }

  #replaces(run: RunNode<M>, row: Row): boolean {
    return this.mayReplace(run, row) && !this.#isLate(row.home as RunNode<M>)
  }

  /** The forks that can be late now, or not any more: no agent has accepted them, and the run has other answers. */
  outdatedBy(run: RunNode<M>): readonly RunNode<M>[] {
    if (!this.areOf(run) || this.#settled.get(run) === run.answers) return noItems
    this.#settled.set(run, run.answers)
    return this.replacing(run).filter(({ isPlaceholder }) => isPlaceholder)
  }

  /** The forks that name this run as replaced. */
  replacing(run: RunNode<M>): readonly RunNode<M>[] {
    // The rows of forks are in runs only
    return this.#replacing.of(run.key).map(({ home }) => home as RunNode<M>)
  }

  /** The runs that take the place of this one. */
  replacementsOf(run: RunNode<M>): readonly RunNode<M>[] {
    if (!this.areOf(run)) return noItems
    const rows = this.#replacing.of(run.key).filter((row) => this.#replaces(run, row))
    return rows.map(({ home }) => home as RunNode<M>)
  }
}
