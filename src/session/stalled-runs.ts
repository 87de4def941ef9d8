import { trustOf } from '../core/access'
import { cancelledSilenceLimit, isNamedByPresence, silenceLimit } from '../core/run-info'
import type { Row } from '../core/row'
import type { RunNode } from '../core/run-node'
import { MessageName } from '../core/wire'
import type { Cancellations } from './cancellations'
import type { SessionContext } from './context'

/** Milliseconds between two looks at silent runs. */
const checkInterval = 4000

/** The last sign of life of a run. */
interface LifeSign {
  /** The run's newest version then. */
  version: string
  at: number
  /** When to ask again whether its agent is present. */
  askAt: number
  /** Milliseconds until the next question; longer each time when asking costs a request. */
  pause: number
}

/**
 * Finds the runs whose agent is gone: active, silent for 20 seconds (5 after a cancel), and not named by a present agent. Only
 * runs whose agent uses presence count.
 */
export class StalledRuns<M extends object> {
  readonly #session: SessionContext<M>
  readonly #cancellations: Cancellations<M>
  readonly #signs = new Map<RunNode<M>, LifeSign>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(session: SessionContext<M>, cancellations: Cancellations<M>) {
    this.#session = session
    this.#cancellations = cancellations
  }

  /** Reviews a run that has changed. */
  apply(run: RunNode<M>): void {
    if (run.state.status !== 'active' || !isNamedByPresence(run) || !this.#session.channel.runPresence) {
      this.#signs.delete(run)
      run.snapshot.setStalled(false)
      return
    }
    const sign = this.#signs.get(run)
    if (sign) return this.#revive(run, sign)
    this.#signs.set(run, { version: run.newestVersion, at: this.#lastSign(run), askAt: 0, pause: checkInterval })
    this.#wait()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#signs.clear()
  }

  #lastSign({ contentRows, rows }: RunNode<M>): number {
    const { deadlines } = this.#session
    const isSign = ({ name }: Row): boolean => name !== MessageName.cancelRefused
    return Math.max(...[contentRows.at(-1), rows.findLast(isSign)].map((row) => (row ? deadlines.since(row) : 0)))
  }

  #revive(run: RunNode<M>, sign: LifeSign): void {
    if (run.newestVersion === sign.version) return
    Object.assign(sign, { version: run.newestVersion, at: Date.now(), askAt: 0, pause: checkInterval })
    this.#set(run, false)
  }

  #set(run: RunNode<M>, isStalled: boolean): void {
    if (!run.snapshot.setStalled(isStalled)) return
    this.#session.touch(run)
    this.#cancellations.apply(run)
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#check()
    }, checkInterval)
  }

  async #check(): Promise<void> {
    const now = Date.now()
    this.#session.act(() => {
      for (const [run, sign] of this.#signs) {
        // NOTE: silence counts only while this client hears everything
        if (!this.#session.isInStep) sign.at = now
        this.#revive(run, sign)
      }
    })
    const silent = [...this.#signs].filter(([run, { at, askAt }]) => now - at >= this.#limitOf(run) && now >= askAt)
    if (silent.length > 0) await this.#ask(silent)
    if (this.#signs.size > 0) this.#wait()
  }

  #limitOf(run: RunNode<M>): number {
    return this.#session.tree.cancels.of(run).length > 0 ? cancelledSilenceLimit : silenceLimit
  }

  /** Asks once for all silent runs whether a present agent names them. */
  async #ask(silent: readonly (readonly [RunNode<M>, LifeSign])[]): Promise<void> {
    const { options, channel } = this.#session
    const { isAgent } = trustOf(options)
    const { runPresence } = channel
    const named = await runPresence?.read((clientId) => isAgent?.(clientId) !== false)
    if (!this.#session.isInStep) return
    this.#session.act(() => {
      for (const [run, sign] of silent) {
        if (!runPresence?.isHeard) sign.pause *= 2
        sign.askAt = Date.now() + sign.pause
        const isSilent = this.#signs.get(run) === sign && run.newestVersion === sign.version
        if (named && isSilent) this.#set(run, !named.has(run.key))
      }
    })
  }
}
