import type { Row } from '../core/log'
import { Header } from '../core/wire'
import { cancelRefused } from './headers'
import { runHookSafely, type CancelHook } from './hooks'
import type { LiveRun } from './live-run'

/** The cancels of a run, read from the rows of its channel: their order of arrival does not matter. */
export class Cancels {
  readonly #run: LiveRun<object, unknown>
  readonly #refuse: (row: Row) => void
  readonly #seen = new Set<string>()

  /** @param refuse - called with each cancel that the hook or the policy refuses */
  constructor(run: LiveRun<object, unknown>, refuse: (row: Row) => void) {
    this.#run = run
    this.#refuse = refuse
  }

  /** Decides on every cancel that is new; resolves with true when one of them stops the run. */
  async review(): Promise<boolean> {
    for (const row of this.#rows()) {
      if (this.#seen.has(row.serial)) continue
      this.#seen.add(row.serial)
      if (await this.#accepts(row)) return true
      this.#refuse(row)
    }
    return false
  }

  #rows(): readonly Row[] {
    const { channel, runId, target } = this.#run
    const inputId = target.trigger.transport[Header.messageId]
    const byRun = channel.tree.runs.get(runId)?.cancels ?? []
    const byInput = inputId === undefined ? [] : channel.tree.cancelsOf(inputId)
    return [...byRun, ...byInput].filter((row) => row.serial > target.trigger.serial)
  }

  #accepts(row: Row): Promise<boolean> {
    const { channel, runId, hooks, target } = this.#run
    const { clientId } = row
    const { ownerClientId } = target
    const mayStop: CancelHook = (request) =>
      channel.tree.access.allows('cancel', clientId, ownerClientId) && hooks.onCancel?.(request)
    const request = { runId, clientId, ownerClientId, message: channel.messageOf(row) }
    return runHookSafely(mayStop, request, 'a cancel', channel.report)
  }
}

/** Tells the clients that a cancel was refused, so that they stop waiting for the run to end. */
export async function publishRefusal({ publisher, identity }: LiveRun<object, unknown>, row: Row): Promise<void> {
  await publisher.declare('refuse a cancel', cancelRefused(identity, row.serial))
}
