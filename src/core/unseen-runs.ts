import type { RunNode } from './run-node'

/** How many are kept of one client. */
const maxOfClient = 1000

/**
 * Runs that have nothing to show yet: other messages may follow, or a client has invented them. They are bounded for each
 * client, so that a flood by one client drops no answer of another one whose run is further back in history.
 */
export class UnseenRuns<M extends object> {
  /** By the client that has named them first; oldest first. */
  readonly #byClient = new Map<string | undefined, Set<RunNode<M>>>()
  /** The set that a run is in. */
  readonly #setOf = new WeakMap<RunNode<M>, Set<RunNode<M>>>()
  readonly #overfull = new Set<Set<RunNode<M>>>()

  add(run: RunNode<M>): void {
    const clientId = run.rows[0]?.clientId
    let runs = this.#setOf.get(run) ?? this.#byClient.get(clientId)
    if (!runs) this.#byClient.set(clientId, (runs = new Set()))
    this.#setOf.set(run, runs.add(run))
    if (runs.size > maxOfClient) this.#overfull.add(runs)
  }

  delete(run: RunNode<M>): void {
    this.#setOf.get(run)?.delete(run)
    this.#setOf.delete(run)
  }

  /** Takes out the oldest runs of each client that has too many. */
  takeSurplus(): RunNode<M>[] {
    const surplus = [...this.#overfull].flatMap((runs) => [...runs].slice(0, -maxOfClient))
    this.#overfull.clear()
    for (const run of surplus) this.delete(run)
    return surplus
  }
}
