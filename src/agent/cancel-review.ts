import { bySerial } from '../core/collections'
import { ErrorCode, toSessionError } from '../core/errors'
import { sleep } from '../core/signals'
import type { Row } from '../core/log'
import { openCancel } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { Header } from '../core/wire'
import { cancelRefused } from './headers'
import { runHookSafely } from './hooks'
import type { LiveRun } from './live-run'
import { NewestPerClient } from './newest-per-client'

/** The cancels of a run, read from the rows of its channel: their order of arrival does not matter. */
export class CancelReview {
  readonly #run: LiveRun<object, unknown>
  readonly #decisions = new Decisions((cancel) => this.#ask(cancel))
  readonly #seen = new WeakSet<Row>()

  constructor(run: LiveRun<object, unknown>) {
    this.#run = run
  }

  /**
   * Decides on all cancels that are new: the first that is accepted, or undefined if all are refused. Without a hook the
   * decision is there at once.
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
    const { tree } = this.#run.channel
    const inputId = this.#inputId
    const byRun = tree.runs.get(this.#run.runId)?.cancels ?? []
    const byInput = inputId === undefined ? [] : tree.cancels.naming(inputId)
    return [...byRun, ...byInput].toSorted(bySerial)
  }

  get #inputId(): string | undefined {
    return this.#run.target.trigger.transport[Header.messageId]
  }

  /** Whether a cancel names this run or its prompt, and is newer than the prompt. */
  #isMeant({ serial, transport }: Row): boolean {
    const { [Header.runId]: runId, [Header.inputId]: inputId } = transport
    const isNamed = runId === undefined ? inputId !== undefined && inputId === this.#inputId : runId === this.#run.runId
    return isNamed && serial > this.#run.target.trigger.serial
  }

  /** Whether policy allows a cancel; otherwise it is refused. A policy that throws refuses, and the error is reported. */
  #isAllowed(row: Row): boolean {
    const { channel, target } = this.#run
    try {
      const act = { kind: 'cancel', clientId: row.clientId, ownerClientId: target.ownerClientId } as const
      if (channel.tree.access.ask(act)) return true
    } catch (cause) {
      channel.report(toSessionError('decide on a cancel', ErrorCode.HookFailed, cause))
    }
    this.#refuse(row)
    return false
  }

  #ask(row: Row): Promise<boolean> {
    const { channel, runId, hooks, target } = this.#run
    const request = {
      runId,
      clientId: row.clientId,
      ownerClientId: target.ownerClientId,
      message: channel.messageOf(row),
    }
    return runHookSafely(hooks.onCancel, request, 'a cancel', channel.report)
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

/** Whether a refusal on the channel covers a cancel of a run. */
export const isRefused = (cancel: Row, run: RunNode<object> | undefined): boolean =>
  run !== undefined && openCancel([cancel], run) === undefined

/** Decides on all cancels together, because a decision may be slow; resolves with the first that is accepted. */
export function firstAccepted(
  cancels: readonly Row[],
  accepts: (cancel: Row) => Promise<boolean>,
): Promise<Row | undefined> {
  return new Promise((resolve) => {
    const decide = async (cancel: Row): Promise<void> => {
      if (await accepts(cancel)) resolve(cancel)
    }
    void Promise.all(cancels.map(decide)).then(() => resolve(undefined))
  })
}

/** How many cancels of one client a hook may refuse before it is asked more slowly. */
const quickDecisions = 5
/** Milliseconds between two further decisions on the cancels of one client. */
const decisionPause = 1000

interface Decision {
  readonly clientId: string | undefined
  readonly cancel: Row
  readonly settle: (isAccepted: boolean) => void
}

/** Asks a hook about cancels, which may be slow: for each client one at a time, and only about the newest that waits. */
export class Decisions {
  readonly #ask: (cancel: Row) => Promise<boolean>
  readonly #refused = new Map<string | undefined, number>()
  readonly #queue = new NewestPerClient<Decision>((decision) => this.#decide(decision))

  constructor(ask: (cancel: Row) => Promise<boolean>) {
    this.#ask = ask
  }

  /** Whether the hook accepts a cancel; false also if a newer one of the same client takes its place. */
  on(cancel: Row): Promise<boolean> {
    return new Promise((settle) => {
      this.#queue.add({ clientId: cancel.clientId, cancel, settle })?.settle(false)
    })
  }

  async #decide({ clientId, cancel, settle }: Decision): Promise<void> {
    const isAccepted = await this.#ask(cancel)
    settle(isAccepted)
    if (isAccepted) return
    const refused = (this.#refused.get(clientId) ?? 0) + 1
    this.#refused.set(clientId, refused)
    if (refused >= quickDecisions) await sleep(decisionPause)
  }
}
