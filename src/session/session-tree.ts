import { bySerial, noItems, reuseIfEqual } from '../core/collections'
import type { RunInfo } from '../core/run-info'
import { RunNode } from '../core/run-node'
import type { ViewMessage } from '../core/view-message'
import type { SessionContext } from './context'

/** All loaded runs and messages of a session, on every branch. */
export class SessionTree<M extends object> {
  readonly #session: Pick<SessionContext<M>, 'tree' | 'changed'>
  #runs: readonly RunInfo[] = noItems
  readonly #replies = new WeakMap<RunNode<M>, readonly ViewMessage<M>[]>()

  /** @internal */
  constructor(session: Pick<SessionContext<M>, 'tree' | 'changed'>) {
    this.#session = session
  }

  /** Every run that has started, in the order of their starts. */
  runs(): readonly RunInfo[] {
    this.#session.changed.track()
    const { tree } = this.#session
    const started = Array.from(tree.runs.values()).filter(({ visible }) => visible)
    const infos = started.toSorted(bySerial).map((run) => tree.info(run))
    return (this.#runs = reuseIfEqual(this.#runs, infos))
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
}
