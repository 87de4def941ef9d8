import type { Row } from '../core/log'
import { InputNode } from '../core/input-node'
import { RunNode } from '../core/run-node'
import type { TreeNode } from '../core/node'
import { Header } from '../core/wire'
import { localRows, type Outgoing } from './outgoing'
import type { PendingPrompt } from './pending'
import type { Prompts } from './prompts'
import type { Shared } from './shared'
import type { Stops } from './stops'
import { entries, newestAnswer, runOf } from './trigger'
import type { Wakes, WakeTrigger } from './wakes'

/** How long an agent may take to start, in milliseconds. */
const startLimit = 20_000

/** An input that no run has taken up, with when it came. */
interface Waiting extends WakeTrigger {
  readonly clientId: string
  readonly at: number
}

/** What has been asked and not been taken up. */
export class PendingPrompts<M extends object> {
  constructor(
    private readonly shared: Shared<M>,
    private readonly prompts: Prompts<M>,
    private readonly stops: Stops<M>,
    private readonly wakes: Wakes<M>,
  ) {}

  /** What waits at a node: its prompt, or the answer to a run. */
  at(node: TreeNode<M>): PendingPrompt | undefined {
    const waiting = this.#at(node)
    return waiting && this.#describe(waiting)
  }

  /** Requests for other replies to what is shown. */
  requests(isShown: (node: TreeNode<M>) => boolean): PendingPrompt[] {
    return Array.from(this.#requests(isShown), (request) => this.#describe(request))
  }

  /** Wherever it stands. */
  all(): PendingPrompt[] {
    return Array.from(this.#everywhere(), (waiting) => this.#describe(waiting))
  }

  /** What waits under this message id. */
  find(inputId: string): WakeTrigger | undefined {
    return [...this.#everywhere()].findLast((waiting) => waiting.inputId === inputId)
  }

  *#everywhere(): Generator<Waiting> {
    const { tree } = this.shared
    for (const node of tree.nodes()) {
      const waiting = tree.isListed(node) ? this.#at(node) : undefined
      if (waiting) yield waiting
    }
    yield* this.#requests((node) => tree.isListed(node))
  }

  #at(node: TreeNode<M>): Waiting | undefined {
    return node instanceof RunNode ? this.#inRun(node) : this.#prompt(node as InputNode<M>)
  }

  #prompt(input: InputNode<M>): Waiting | undefined {
    const { tree } = this.shared
    if (!input.visible || input.isFailed || runOf(tree, { inputId: input.key })) return undefined
    if (tree.children(input.key).some((child) => child instanceof RunNode && child.visible)) return undefined
    return input.first && this.#ofRow(input.first, input.clientId)
  }

  /** An answer that nothing is heard of: the run that it begins, or that it goes into, has not gone on. */
  #inRun(run: RunNode<M>): Waiting | undefined {
    if (run.isPlaceholder) return this.#ofRow(run.allRows()[0]!, this.shared.tree.info(run).clientId)
    if (run.state.status !== 'suspended') return undefined
    // NOTE: an answer may come while the reply is still being written, which is before the run waits
    const entered = run.allRows().findLast((row) => entries.has(row.name))?.serial ?? ''
    const answer = newestAnswer(this.shared.tree, run)
    const isNew = answer !== undefined && answer.serial > entered
    const own = isNew ? undefined : this.prompts.unheard().findLast(({ runId }) => runId === run.key)
    const reply = run.message(own?.inputId ?? answer?.transport[Header.messageId] ?? '')
    // What is still to be answered waits for a person, not for the agent
    if (reply && this.shared.tree.codec.waits?.(reply, own?.answers ?? [])) return undefined
    if (isNew) return this.#ofRow(answer)
    return own && this.#ofOwn(own)
  }

  *#requests(isShown: (node: TreeNode<M>) => boolean): Generator<Waiting> {
    const { tree } = this.shared
    const isPlaced = (parent: string | undefined): boolean => {
      const node = parent === undefined ? undefined : tree.nodeOf(parent)
      return node !== undefined && isShown(node)
    }
    for (const [inputId, row] of tree.requests) {
      if (!runOf(tree, { inputId }) && isPlaced(row.transport[Header.parent])) yield this.#ofRow(row)
    }
    for (const own of this.prompts.unheard()) {
      const { regenerates, parent } = own.place
      if (regenerates !== undefined && !tree.requests.has(own.inputId) && isPlaced(parent)) yield this.#ofOwn(own)
    }
  }

  #ofRow(row: Row, clientId = row.clientId ?? row.transport[Header.owner] ?? ''): Waiting {
    const { [Header.messageId]: inputId = '', [Header.eventId]: eventId = '', [Header.runId]: runId } = row.transport
    return { inputId, eventId, runId, clientId, at: row.serial === '' ? Infinity : this.shared.clock.since(row) }
  }

  /** The channel does not have it yet, so no agent can be late. */
  #ofOwn({ messages }: Outgoing): Waiting {
    return this.#ofRow(localRows(messages, this.shared.channel.clientId)[0]!)
  }

  #describe({ inputId, eventId, runId, clientId, at }: Waiting): PendingPrompt {
    const { tree } = this.shared
    const wake = this.wakes.infoOf(eventId)
    const run = runId === undefined ? undefined : tree.runs.get(runId)
    const cancelling = run ? tree.info(run).cancelling : this.stops.of(inputId)
    return {
      inputId,
      clientId,
      ...(runId !== undefined && { runId }),
      ...(wake && { wake }),
      ...(cancelling && { cancelling }),
      ...(this.#isUnanswered(eventId, at) && { unanswered: true }),
    }
  }

  #isUnanswered(eventId: string, at: number): boolean {
    const { clock, isInStep } = this.shared
    const isWoken = this.wakes.infoOf(eventId) !== undefined
    const since = isWoken ? this.wakes.acceptedAt(eventId) : at
    return since !== undefined && since < Infinity && isInStep() && clock.hasCome(since + startLimit)
  }
}
