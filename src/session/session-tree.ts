import type { RunInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { reuseIfEqual } from '../core/collections'
import type { ViewMessage } from '../core/view-message'
import type { Signal } from '../core/port'
import type { Tree } from '../core/tree'

const none: readonly never[] = []

/** All of a session that has been loaded, whatever branch a view shows. */
export class SessionTree<M extends object> {
  #runs: readonly RunInfo[] = none
  readonly #replies = new WeakMap<RunNode<M>, readonly ViewMessage<M>[]>()

  constructor(
    private readonly source: Tree<M>,
    private readonly changed: Signal,
  ) {}

  /** Every run that has started, in the order of their starts. */
  runs(): readonly RunInfo[] {
    this.changed.track()
    const runs = [...this.source.runs.values()].filter((run) => run.visible)
    const infos = runs.toSorted((a, b) => (a.sort < b.sort ? -1 : 1)).map((run) => this.source.info(run))
    return (this.#runs = reuseIfEqual(this.#runs, infos))
  }

  /** A run by its id; undefined until it has started. */
  run(runId: string): RunInfo | undefined {
    this.changed.track()
    const run = this.source.runs.get(runId)
    return run?.visible ? this.source.info(run) : undefined
  }

  /** A message by its id, plain and unobserved. */
  message(messageId: string): M | undefined {
    this.changed.track()
    return this.source.nodeOf(messageId)?.message(messageId)
  }

  /** The reply of a run so far. */
  messagesOf(runId: string): readonly ViewMessage<M>[] {
    this.changed.track()
    const run = this.source.runs.get(runId)
    if (!run) return none
    const messages = reuseIfEqual(
      this.#replies.get(run),
      Array.from(run.messageIds(), (id) => run.viewMessage(id)),
    )
    this.#replies.set(run, messages)
    return messages
  }
}
