import { trustOf } from '../core/access'
import {
  cancelledSilenceLimit,
  foreignSilenceLimit,
  isNamedByPresence,
  isStopping,
  silenceLimit,
  type Cancelling,
  type WakeInfo,
} from '../core/run-info'
import type { SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import type { RunNode } from '../core/run-node'
import { Header, MessageName } from '../core/wire'
import { answerLimit, type Cancellations } from './cancellations'
import type { SessionContext } from './context'
import type { Trigger } from './submission'
import type { Wakes } from './wake'

/** Milliseconds between two looks at silent runs. */
const checkInterval = 4000

/** How long the watcher of a suspended run may take to end it before an agent is woken, in milliseconds. */
const suspendedLimit = 1000

/** How long the device that has cancelled a run may take before other devices wake an agent, in milliseconds. */
const othersLimit = 20_000

/** The last sign of life of a run. */
interface LifeSign {
  /** The run's newest version then. */
  readonly version: string
  at: number
  /** When to ask again whether its agent is present. */
  askAt: number
  /** Milliseconds until the next question; longer each time when asking costs a request. */
  pause: number
}

/** Whether a run is stalled when no present agent names it. */
const canStall = (run: RunNode<object>): boolean => run.state.status === 'active' && isNamedByPresence(run)

/**
 * Knows for how long agents have been silent. A run is stalled if it is active, silent for 20 seconds (5 after a
 * cancel), and named by no present agent, though its agent uses presence. It finds the cancels that are unanswered, and
 * wakes an agent for those that no live agent can hear: at once for those of this client, later for those of other
 * clients, which may be gone.
 */
export class RunWatch<M extends object> {
  readonly #session: SessionContext<M>
  readonly #cancellations: Cancellations<M>
  readonly #wakes: Wakes<M>
  readonly #signs = new Map<RunNode<M>, LifeSign>()
  // NOTE: of many devices one is the first, and the others need not wake an agent any more
  readonly #othersLimit = othersLimit * (1 + Math.random())
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(session: SessionContext<M>, cancellations: Cancellations<M>, wakes: Wakes<M>) {
    this.#session = session
    this.#cancellations = cancellations
    this.#wakes = wakes
  }

  /** The runs that are watched. */
  get runs(): Iterable<RunNode<M>> {
    return this.#signs.keys()
  }

  /** Whether a Stop waits until an agent has ended its run. */
  get hasOpenStops(): boolean {
    return !!this.#session.options.agent && [...this.runs].some((run) => isStopping(run.info()))
  }

  /** Looks at a run again, after a change or a silence. */
  apply(run: RunNode<M>): void {
    // NOTE: a fork that waits for its run has no agent yet, and a node that the tree has given up has none any more
    if (run.isPlaceholder || run.isGone) return void this.#signs.delete(run)
    const cancel = run.hasEnded ? undefined : this.#session.tree.cancels.of(run)[0]
    if (!canStall(run)) run.setStalled(false)
    const own = this.#cancellations.ownOfRun(run)
    if (cancel || own || canStall(run)) this.#signOf(run, cancel)
    else this.#signs.delete(run)
    run.setCancelState(cancel ? this.#stateOf(run, cancel) : own)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#signs.clear()
  }

  /** The last sign of life of a run, as its rows tell it now. */
  #signOf(run: RunNode<M>, cancel?: Row): LifeSign {
    const { newestVersion: version } = run
    const known = this.#signs.get(run)
    if (known?.version === version) return known
    // The time of a version is unknown: a run that has gone on, also since its cancel, counts from now
    const hasGoneOn = known ?? (cancel && version > cancel.serial)
    const sign = { version, at: hasGoneOn ? Date.now() : this.#lastSign(run), askAt: 0, pause: checkInterval }
    this.#signs.set(run, sign)
    if (known) run.setStalled(false)
    else this.#wait()
    return sign
  }

  #lastSign({ contentRows, rows }: RunNode<M>): number {
    const { deadlines } = this.#session
    const isSign = ({ name }: Row): boolean => name !== MessageName.cancelRefused
    return Math.max(...[contentRows.at(-1), rows.findLast(isSign)].map((row) => (row ? deadlines.since(row) : 0)))
  }

  #wait(): void {
    // NOTE: a session on a server has no presence, and must leave no timer behind; nor must a page that arrives after
    // the close
    if (this.#isClosed || !this.#session.channel.runPresence) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#check()
    }, checkInterval)
  }

  async #check(): Promise<void> {
    const now = Date.now()
    this.#session.act(() => {
      for (const [run, sign] of this.#signs) {
        // NOTE: silence counts only while this client hears everything, and its clock can be set back
        if (!this.#session.isInStep || sign.at > now) sign.at = now
        if (sign.askAt > now + sign.pause) sign.askAt = now
        if (run.newestVersion !== sign.version) this.#session.touch(run)
      }
    })
    const silent = [...this.#signs].filter(
      ([run, { at, askAt }]) => canStall(run) && now - at >= this.#limitOf(run) && now >= askAt,
    )
    if (silent.length > 0) await this.#ask(silent)
    if (this.#signs.size > 0) this.#wait()
  }

  #limitOf(run: RunNode<M>): number {
    return this.#session.tree.cancels.of(run)[0] ? cancelledSilenceLimit : silenceLimit
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
        if (named && isSilent && run.setStalled(!named.has(run.key))) this.#session.touch(run)
      }
    })
  }

  #stateOf(run: RunNode<M>, cancel: Row): Partial<Cancelling> | undefined {
    const isUnanswered = this.#session.isLate(run, this.#silentSince(run, cancel) + answerLimit)
    const wake = this.#wake(run)
    return isUnanswered || wake ? { ...(isUnanswered && { unanswered: true }), ...(wake && { wake }) } : undefined
  }

  /**
   * Wakes an agent for cancels that no live agent can hear; it ends the run. Returns the wake if the cancels are of
   * this client.
   */
  #wake(run: RunNode<M>): WakeInfo | undefined {
    const { options, tree, channel } = this.#session
    if (!options.agent) return undefined
    const own = tree.cancels.ofClient(run, channel.clientId)
    const isOwn = own.length > 0
    const cancels = isOwn ? own : tree.cancels.of(run)
    const patience = isOwn ? 0 : this.#othersLimit
    // NOTE: first, because any number of clients may have cancelled
    if (!isOwn && !this.#session.isLate(run, this.#silentSince(run, cancels[0]!) + patience)) return undefined
    if (run.info().cancelling?.refused) return undefined
    const triggerOf = ({ transport: { [Header.eventId]: eventId = '' } }: Row): Trigger => ({
      eventId,
      inputId: eventId,
      runId: run.key,
    })
    const isWoken = (row: Row): boolean => (this.#wakes.of(triggerOf(row))?.info.state ?? 'failed') !== 'failed'
    // NOTE: one wake at a time; a Stop that is pressed again makes up for a wake that has failed
    const cancel = cancels.findLast(isWoken) ?? cancels.at(-1)!
    const trigger = triggerOf(cancel)
    if (trigger.eventId === '') return undefined
    const known = this.#wakes.of(trigger)
    // NOTE: an agent that was woken and has not ended the run found the run's own agent there
    const again = known ? (known.acceptedAt ?? Infinity) + foreignSilenceLimit : 0
    const moment = Math.max(this.#unheardAt(run, cancel, patience), again)
    const onFailed = (error: SessionError): void => (isOwn ? this.#session.report(error) : undefined)
    const wake = this.#session.isLate(run, moment) ? this.#wakes.wake(trigger, onFailed) : known?.info
    return isOwn ? wake : undefined
  }

  /** When no live agent can hear a cancel: the run is suspended or stalled, or its agent has been silent for long. */
  #unheardAt(run: RunNode<M>, cancel: Row, patience: number): number {
    if (run.state.status === 'suspended') return this.#session.deadlines.since(cancel) + suspendedLimit
    if (isNamedByPresence(run)) return run.isStalled ? 0 : Infinity
    return this.#silentSince(run, cancel) + foreignSilenceLimit + patience
  }

  /** Since when nothing has come from the agent after a cancel. */
  #silentSince(run: RunNode<M>, cancel: Row): number {
    return Math.max(this.#signOf(run).at, this.#session.deadlines.since(cancel))
  }
}
