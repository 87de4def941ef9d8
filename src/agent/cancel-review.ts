import { bySerial } from '../core/collections'
import type { SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import { openCancel } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import { Header } from '../core/wire'
import { cancelRefused, isContinuation } from './run-messages'
import { Decisions, firstAccepted } from './cancel-queues'
import { acceptsCancel, askPolicy } from './hooks'
import type { LiveRun } from './live-run'

/** The cancels of a run, read from the rows of its channel: their order of arrival does not matter. */
export class CancelReview {
  readonly #run: LiveRun<object, unknown>
  readonly #decisions = new Decisions((cancel) => this.#ask(cancel))
  readonly #seen = new WeakSet<Row>()

  constructor(run: LiveRun<object, unknown>) {
    this.#run = run
  }

  /**
   * Decides on all cancels that are new: the first that is accepted, or undefined if all are refused. Without a hook
   * the decision is there at once.
   *
   * @param heard - a cancel that was just heard, if only that one can be new
   */
  review(heard?: Row): Row | undefined | Promise<Row | undefined> {
    const fresh = (heard ? [heard] : this.#rows()).filter((row) => !this.#seen.has(row) && this.#isMeant(row))
    for (const row of fresh) this.#seen.add(row)
    const allowed = fresh.filter((row) => this.#isAllowed(row))
    if (allowed.length === 0 || !this.#run.hooks.onCancel) return allowed[0]
    return firstAccepted(allowed, async (row) => {
      const isAccepted = await this.#decisions.on(row)
      if (!isAccepted) this.#refuse(row)
      return isAccepted
    })
  }

  #rows(): readonly Row[] {
    const { channel, runId } = this.#run
    const { cancels } = channel.tree
    const byInput = this.#inputIds.flatMap((inputId) => cancels.naming(inputId))
    return [...cancels.namingRun(runId), ...byInput].toSorted(bySerial)
  }

  /** The input that the agent was woken for, and the prompt of the run that it continues. */
  get #inputIds(): readonly string[] {
    return [this.#run.target.trigger.transport[Header.messageId], this.#continued?.inputId].filter(
      (inputId) => inputId !== undefined,
    )
  }

  /** The run that the trigger continues, if any. */
  get #continued(): RunNode<object> | undefined {
    const { channel, target, runId } = this.#run
    return isContinuation(target.trigger) ? channel.tree.runs.get(runId) : undefined
  }

  /**
   * Whether a cancel names this run or its prompt, and is newer than the prompt: an answer does not undo an earlier
   * Stop.
   */
  #isMeant(cancel: Row): boolean {
    const { serial, transport } = cancel
    const { [Header.runId]: runId, [Header.inputId]: inputId = '' } = transport
    const isNamed = runId === undefined ? this.#inputIds.includes(inputId) : runId === this.#run.runId
    const run = this.#continued
    const since = run ? sentAt(this.#run.channel.tree, run) : this.#run.target.trigger.serial
    return isNamed && serial > since && !isRefused(cancel, run)
  }

  /**
   * Whether policy allows a cancel; otherwise it is refused. A policy that throws refuses, and the error is reported.
   */
  #isAllowed(row: Row): boolean {
    const { channel, target } = this.#run
    try {
      const { ownerClientId } = target
      if (askPolicy(channel.tree.access, 'cancel', { clientId: row.clientId, ownerClientId })) return true
    } catch (error) {
      channel.report(error as SessionError)
    }
    this.#refuse(row)
    return false
  }

  #ask(row: Row): Promise<boolean> {
    const { channel, runId, hooks, target } = this.#run
    return acceptsCancel(channel, hooks.onCancel, row, { runId, ownerClientId: target.ownerClientId })
  }

  /** Publishes a refusal once the run has started here; a run that another process handles is not ours to speak for. */
  #refuse(cancel: Row): void {
    const run = this.#run
    const { channel, publisher } = run
    void channel.refusals.add(run, {
      clientId: cancel.clientId,
      isDue: async () => {
        const hasStarted = await run.starting?.then(
          () => true,
          () => false,
        )
        const isOver = publisher.isShut || run.phase === 'over'
        return hasStarted === true && !isOver && !isRefused(cancel, channel.tree.runs.get(run.runId))
      },
      publish: () => publisher.declare('refuse a cancel', cancelRefused(run.identity, cancel), 'background'),
    })
  }
}

/** The place of a run's prompt; cancels from before the prompt was sent again do not count. */
export const sentAt = ({ inputs }: Tree<object>, { inputId = '' }: RunNode<object>): string =>
  inputs.get(inputId)?.serial ?? ''

/** Whether a refusal on the channel covers a cancel of a run. */
export const isRefused = (cancel: Row, run: RunNode<object> | undefined): boolean =>
  run !== undefined && openCancel([cancel], run.fold) === undefined
