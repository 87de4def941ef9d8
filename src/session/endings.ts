import { deferred } from '../core/deferred'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import type { CancelTarget } from './stops'
import { runOf } from './trigger'

/** Waits for runs to end. */
export class Endings<M extends object> {
  readonly #looks = new Set<() => void>()

  constructor(private readonly tree: Tree<M>) {}

  /** Resolves when all of these runs have ended, at the latest after `limit` milliseconds. */
  async wait(targets: readonly CancelTarget[], limit: number): Promise<void> {
    const { promise, resolve } = deferred()
    const look = (): void => {
      if (targets.every((target) => this.#runOf(target)?.hasEnded)) resolve()
    }
    const timer = setTimeout(resolve, limit)
    this.#looks.add(look)
    look()
    await promise
    clearTimeout(timer)
    this.#looks.delete(look)
  }

  /** Lets those go on who wait for this run, if it has ended. */
  follow(run: RunNode<M>): void {
    if (run.hasEnded) for (const look of this.#looks) look()
  }

  #runOf(target: CancelTarget): RunNode<M> | undefined {
    return typeof target === 'string' ? this.tree.runs.get(target) : runOf(this.tree, target)
  }
}
