import { deferred } from '../core/deferred'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import type { CancelTarget } from './stops'
import { runOf } from './trigger'

/** Waits for runs to end. */
export class Endings<M extends object> {
  readonly #waiting = new Set<{ target: CancelTarget; done: () => void }>()

  constructor(private readonly tree: Tree<M>) {}

  /** Resolves when all of these runs have ended, at the latest after `limit` milliseconds. */
  async wait(targets: readonly CancelTarget[], limit: number): Promise<void> {
    const waits = targets.filter((target) => !this.#runOf(target)?.hasEnded).map((target) => this.#wait(target))
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, limit)))
    await Promise.race([Promise.all(waits.map(({ ended }) => ended)), tooLong])
    clearTimeout(timer)
    for (const { stop } of waits) stop()
  }

  /** Lets those go on who wait for this run, if it has ended. */
  follow(run: RunNode<M>): void {
    if (!run.hasEnded) return
    for (const waiting of this.#waiting) {
      if (this.#runOf(waiting.target) !== run) continue
      this.#waiting.delete(waiting)
      waiting.done()
    }
  }

  #wait(target: CancelTarget): { ended: Promise<void>; stop: () => void } {
    const { promise: ended, resolve: done } = deferred()
    const waiting = { target, done }
    this.#waiting.add(waiting)
    return { ended, stop: () => void this.#waiting.delete(waiting) }
  }

  #runOf(target: CancelTarget): RunNode<M> | undefined {
    return typeof target === 'string' ? this.tree.runs.get(target) : runOf(this.tree, target)
  }
}
