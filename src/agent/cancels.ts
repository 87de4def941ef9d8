import type { SessionError } from '../core/errors'
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

/** Milliseconds between two refusals for one client: a flood of cancels must not turn into a flood of refusals. */
const refusalPause = 5000

/** Publishes refusals of cancels: per client only the newest, one at a time, behind everything else. */
export class Refusals {
  readonly #publish: (cancel: Row) => Promise<unknown>
  readonly #report: (error: SessionError) => void
  /** The newest refused cancel by client; undefined once its refusal is published. */
  readonly #newest = new Map<string | undefined, Row | undefined>()

  /** @param publish - publishes the refusal of a cancel, which also covers earlier cancels by the same client */
  constructor(publish: (cancel: Row) => Promise<unknown>, report: (error: SessionError) => void) {
    this.#publish = publish
    this.#report = report
  }

  add(cancel: Row): void {
    const { clientId } = cancel
    const isBusy = this.#newest.has(clientId)
    this.#newest.set(clientId, cancel)
    if (!isBusy) void this.#publishAll(clientId)
  }

  async #publishAll(clientId: string | undefined): Promise<void> {
    for (let cancel = this.#newest.get(clientId); cancel; cancel = this.#newest.get(clientId)) {
      this.#newest.set(clientId, undefined)
      await this.#publish(cancel).catch(this.#report)
      await new Promise((resolve) => setTimeout(resolve, refusalPause))
    }
    this.#newest.delete(clientId)
  }
}

/** Tells clients that a cancel was refused, so that they stop waiting for the run to end. */
export async function publishRefusal(run: LiveRun<object, unknown>, cancel: Row): Promise<void> {
  await run.publisher.declare('refuse a cancel', cancelRefused(run.identity, cancel.serial), 'background')
}
