import { noItems, reuseIfEqual } from '../core/collections'
import type { RunInfo } from '../core/run-info'
import { RunNode } from '../core/run-node'
import type { ViewMessage } from '../core/view-message'
import type { SessionContext } from './context'

/** All loaded runs and messages of a session, on every branch. */
export class SessionTree<M extends object> {
  readonly #session: Pick<SessionContext<M>, 'tree' | 'changed'>
  #runs: readonly RunInfo[] = noItems
  /** The listed runs in order, and where each stands. */
  #nodes: readonly RunNode<M>[] = noItems
  #places = new Map<RunNode<M>, number>()
  /** Runs that have changed since they were listed; undefined until the list is asked for. */
  #stale: Set<RunNode<M>> | undefined
  readonly #replies = new WeakMap<RunNode<M>, readonly ViewMessage<M>[]>()

  /** @internal */
  constructor(session: Pick<SessionContext<M>, 'tree' | 'changed'>) {
    this.#session = session
  }

  /** Every run that has started, in the order of their starts. */
  runs(): readonly RunInfo[] {
    this.#session.changed.track()
    if (!this.#stale) this.#list()
    else if (this.#stale.size > 0) this.#update(this.#stale)
    return this.#runs
  }

  /** A run by its id; undefined until it has started. */
  run(runId: string): RunInfo | undefined {
    this.#session.changed.track()
    const run = this.#session.tree.runs.get(runId)
    return run?.visible ? this.#session.tree.info(run) : undefined
  }

  /** The run that wrote a message, or that answers it when it is a prompt: preferably one that `isShown`. @internal */
  runOf(messageId: string, isShown: (run: RunNode<M>) => boolean): RunInfo | undefined {
    this.#session.changed.track()
    const { tree } = this.#session
    const node = tree.nodeOf(messageId)
    if (node instanceof RunNode) return node.isPlaceholder ? undefined : tree.info(node)
    const replies = [...tree.runsOf(messageId), ...tree.children(messageId)].filter((reply) => reply instanceof RunNode)
    const answers = replies.filter((run) => !run.isPlaceholder && run.visible)
    const answer = answers.find(isShown) ?? answers.at(-1)
    return answer && tree.info(answer)
  }

  /** A message by its id, plain and unobserved. */
  message(messageId: string): M | undefined {
    this.#session.changed.track()
    return this.#session.tree.nodeOf(messageId)?.message(messageId)
  }

  /** A plain copy of a message. @internal */
  snapshot(messageId: string): M | undefined {
    const message = this.#session.tree.nodeOf(messageId)?.message(messageId)
    return message && structuredClone(message)
  }

  /** The reply of a run so far. */
  messagesOf(runId: string): readonly ViewMessage<M>[] {
    this.#session.changed.track()
    const run = this.#session.tree.runs.get(runId)
    if (!run) return noItems
    const messages = Array.from(run.ids, (id) => run.viewMessage(id))
    const reply = reuseIfEqual(this.#replies.get(run), messages)
    this.#replies.set(run, reply)
    return reply
  }

  /** Notes runs that have changed. @internal */
  apply(runs: Iterable<RunNode<M>>): void {
    for (const run of runs) this.#stale?.add(run)
  }

  #isListed(run: RunNode<M>): boolean {
    return run.visible && this.#session.tree.runs.get(run.key) === run
  }

  #update(changes: ReadonlySet<RunNode<M>>): void {
    const { tree } = this.#session
    const stale = [...changes]
    this.#stale = new Set()
    const known = stale.filter((run) => this.#places.has(run))
    const added = stale.filter((run) => !this.#places.has(run) && this.#isListed(run)).toSorted(byStart)
    const isInPlace = (run: RunNode<M>): boolean => {
      const at = this.#places.get(run)!
      const isBehind = at === 0 || this.#nodes[at - 1]!.sort <= run.sort
      return this.#isListed(run) && isBehind && run.sort <= (this.#nodes[at + 1]?.sort ?? run.sort)
    }
    const isTail = added.length === 0 || (this.#nodes.at(-1)?.sort ?? '') <= added[0]!.sort
    if (!isTail || !known.every(isInPlace)) return this.#list()
    const changed = known.filter((run) => this.#runs[this.#places.get(run)!] !== tree.info(run))
    if (changed.length === 0 && added.length === 0) return
    const runs = [...this.#runs, ...added.map((run) => tree.info(run))]
    for (const run of changed) runs[this.#places.get(run)!] = tree.info(run)
    for (const [index, run] of added.entries()) this.#places.set(run, this.#nodes.length + index)
    this.#nodes = [...this.#nodes, ...added]
    this.#runs = runs
  }

  #list(): void {
    const { tree } = this.#session
    this.#stale = new Set()
    this.#nodes = [...tree.runs.values()].filter((run) => this.#isListed(run)).toSorted(byStart)
    this.#places = new Map(this.#nodes.map((run, index) => [run, index]))
    const infos = this.#nodes.map((run) => tree.info(run))
    this.#runs = reuseIfEqual(this.#runs, infos)
  }
}

const byStart = (a: RunNode<object>, b: RunNode<object>): number => (a.sort < b.sort ? -1 : 1)
