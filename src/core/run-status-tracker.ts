import type { RunNode } from './run-node'
import type { RunStatus } from './run-state'

/** A change of one run's status, told once. */
export interface RunTransition<M extends object> {
  run: RunNode<M>
  from: RunStatus | undefined
  to: RunStatus
}

const maxUnseenRuns = 1000
const none: ReadonlySet<never> = new Set()

/** The statuses of a tree's runs at the last settling, to tell what has changed since. */
export class RunStatusTracker<M extends object> {
  /** Runs that have ended while the rest of their text is still on its way, and when that was noticed. */
  readonly #ending = new Map<RunNode<M>, number>()
  /** Runs that have nothing to show yet, oldest first. */
  readonly #unseen = new Set<RunNode<M>>()

  get ending(): ReadonlyMap<RunNode<M>, number> {
    return this.#ending
  }

  /** Looks at a run; answers with how its status changed since the last time. */
  note(run: RunNode<M>): RunTransition<M> | undefined {
    if (!run.isEnding) this.#ending.delete(run)
    else if (!this.#ending.has(run)) this.#ending.set(run, Date.now())
    if (run.visible) this.#unseen.delete(run)
    else this.#unseen.add(run)
    return run.visible && !run.isPlaceholder ? this.#transition(run) : undefined
  }

  forget(run: RunNode<M>): void {
    this.#ending.delete(run)
    this.#unseen.delete(run)
  }

  /** The oldest of too many runs that cannot be shown. */
  surplus(): ReadonlySet<RunNode<M>> {
    const count = this.#unseen.size - maxUnseenRuns
    return count > 0 ? new Set([...this.#unseen].slice(0, count)) : none
  }

  #transition(run: RunNode<M>): RunTransition<M> | undefined {
    const from = run.lastStatus
    const to = run.state.status
    if (from === to) return undefined
    run.lastStatus = to
    return { run, from, to }
  }
}
