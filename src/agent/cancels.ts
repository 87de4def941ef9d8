import type { SessionError } from '../core/errors'
import { sleep } from '../core/signals'
import type { Row } from '../core/log'
import { Header } from '../core/wire'
import { cancelRefused } from './headers'
import { runHookSafely, type CancelHook } from './hooks'
import type { LiveRun } from './live-run'

/** The cancels of a run, read from the rows of its channel: their order of arrival does not matter. */
export class Cancels {
  readonly #run: LiveRun<object, unknown>
  readonly #refusals: Refusals
  readonly #seen = new Set<string>()

  constructor(run: LiveRun<object, unknown>) {
    this.#run = run
    this.#refusals = new Refusals((cancel) => this.#publishRefusal(cancel), run.channel.report)
  }

  /** Decides on every cancel that is new; resolves with the one that stops the run, if there is one. */
  async review(): Promise<Row | undefined> {
    for (const row of this.#rows()) {
      if (this.#seen.has(row.serial)) continue
      this.#seen.add(row.serial)
      if (await this.#accepts(row)) return row
      this.#refusals.add(row)
    }
    return undefined
  }

  #rows(): readonly Row[] {
    const { channel, runId, target } = this.#run
    const inputId = target.trigger.transport[Header.messageId]
    const byRun = channel.tree.runs.get(runId)?.cancels ?? []
    const byInput = inputId === undefined ? [] : channel.tree.cancels.naming(inputId)
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

  /** Publishes a refusal once the run has started here; a run that another process handles is not ours to speak for. */
  async #publishRefusal(cancel: Row): Promise<void> {
    const { starting, publisher, identity } = this.#run
    const hasStarted = await starting?.then(
      () => true,
      () => false,
    )
    if (!hasStarted || publisher.isShut || this.#run.phase === 'over') return
    await publisher.declare('refuse a cancel', cancelRefused(identity, cancel.serial), 'background')
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
      await sleep(refusalPause)
    }
    this.#newest.delete(clientId)
  }
}
