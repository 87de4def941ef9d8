import { ErrorCode, toSessionError, unableTo } from '../core/errors'
import { newId, Header, headers, MessageName } from '../core/wire'
import type { Row } from '../core/log'
import {
  foreignSilenceLimit,
  isNamedByPresence,
  isStopping,
  requestOf,
  type Cancelling,
  type RunInfo,
  type WakeInfo,
} from '../core/run-info'
import { RunNode } from '../core/run-node'
import { hasEnded } from '../core/run-state'
import { type SessionContext, type Subject } from './context'
import { runOf, subjectOf, type PendingPrompt, type Trigger } from './submission'
import type { Wakes } from './wake'

/** A run by its id, or an input without a run by its message id; an entry of `pending()` will do. */
export type CancelTarget = string | { readonly inputId: string; readonly runId?: string }

/** A run or a pending input, as a view shows it. */
export type Cancellable = RunInfo | PendingPrompt

const isRun = (target: Cancellable): target is RunInfo => 'status' in target

/** The id that `cancel` takes. */
export const idOf = (target: Cancellable): string => (isRun(target) ? target.runId : target.inputId)

/** The id of a cancel target. @throws SessionError 40003 when it has none */
export function checkedId(target: CancelTarget): string {
  // NOTE: apps without types pass anything
  const id: unknown = typeof target === 'string' ? target : (target?.runId ?? target?.inputId)
  if (typeof id === 'string' && id !== '') return id
  const why =
    id === ''
      ? 'the id is empty, as that of a run is until it has started: cancel it by { inputId }'
      : 'it takes the id of a run, or { inputId } of a prompt, as in cancel(run.runId)'
  throw unableTo('cancel the run', why, ErrorCode.BadRequest)
}

/** How long a send with `waitFor: 'ended'` waits for the runs it interrupts, in milliseconds. */
const endLimit = 2000

/** How long a cancel may go without a sign of the agent, in milliseconds. */
const answerLimit = 5000
/** How long the watcher of a suspended run may take to end it before an agent is woken, in milliseconds. */
const suspendedLimit = 1000

/** The last sign of life of a run that was cancelled. */
interface LifeSign {
  version: string
  at: number
}

/** Cancels: those that this session publishes, and how long every cancel on the channel has been unanswered. */
export class Cancellations<M extends object> {
  readonly #session: SessionContext<M>
  readonly #wakes: Wakes<M>
  /** Own cancels whose row has not arrived, by run or message id; with a serial once the channel has them. */
  readonly #own = new Map<string, { readonly cancelling: Cancelling; readonly serial?: string }>()
  readonly #watched = new Map<RunNode<M>, LifeSign>()

  constructor(session: SessionContext<M>, wakes: Wakes<M>) {
    this.#session = session
    this.#wakes = wakes
  }

  /**
   * Publishes a cancel; resolves when the channel has it.
   *
   * @param turn - Settles when the input that is to be cancelled is on its way.
   */
  async cancel({ runId, inputId, eventId }: Partial<Trigger>, turn?: Promise<unknown>): Promise<void> {
    const session = this.#session
    const id = newId()
    const { device } = session.options
    const transport = headers({
      [Header.eventId]: id,
      [Header.runId]: runId,
      [Header.inputId]: inputId,
      [Header.device]: device,
    })
    const publish = (): Promise<readonly string[]> =>
      session.outbox.publish([{ id: `${id}:0`, name: MessageName.cancel, extras: { ai: { transport } } }])
    const key = runId ?? inputId!
    const request = (): Cancelling => ({ by: session.channel.clientId, at: Date.now(), ...(device && { device }) })
    const published = session.act(() => {
      this.#set(key, { cancelling: { ...request(), pending: true } })
      return turn ? turn.then(publish) : publish()
    })
    try {
      const [serial] = await published
      session.act(() => {
        this.#set(key, { cancelling: request(), serial })
        if (inputId !== undefined && !runOf(session.tree, { inputId, runId })) this.#wakes.abandon(eventId)
      })
    } catch (cause) {
      session.act(() => this.#set(key, undefined))
      throw toSessionError('cancel the run', ErrorCode.SendFailed, cause)
    }
  }

  /**
   * The runs and inputs among these that this client may cancel. Left out are those that are being cancelled, and inputs
   * whose agent cannot be woken.
   */
  targets(runs: readonly RunInfo[], pending: readonly PendingPrompt[]): Cancellable[] {
    const { tree, channel } = this.#session
    const mayCancel = (owner: string | undefined): boolean => tree.access.allows('cancel', channel.clientId, owner)
    const open = runs.filter((run) => !hasEnded(run.status) && !isStopping(run))
    const inputs = pending.filter(
      ({ runId, cancelling, wake, clientId }) =>
        runId === undefined && !cancelling && wake?.state !== 'failed' && mayCancel(clientId),
    )
    return [...open.filter(({ runId }) => mayCancel(tree.runs.get(runId)?.owner)), ...inputs]
  }

  /** The targets that a new input interrupts: neither the run that it goes into, nor stalled runs, which write nothing. */
  interrupted(targets: readonly Cancellable[], runId: string | undefined): Cancellable[] {
    return targets.filter((target) => !isRun(target) || (target.runId !== runId && !target.stalled))
  }

  /** The cancel of an input that has no run yet. */
  of(inputId: string): Cancelling | undefined {
    const { tree, deadlines, isInStep } = this.#session
    const [cancel] = tree.cancels.ofInput(inputId)
    if (!cancel) return this.#ownOf(inputId)
    const subject = subjectOf(tree, { inputId })
    const isUnanswered = isInStep && deadlines.isDue(deadlines.since(cancel) + answerLimit, subject)
    return { ...requestOf(cancel), ...(isUnanswered && { unanswered: true }) }
  }

  /** Reviews the cancelled runs among these subjects; by default all of them. */
  review(subjects: Iterable<Subject<M>> = [...this.#watched.keys()]): void {
    for (const subject of subjects) {
      if (subject instanceof RunNode && this.#watched.has(subject)) this.apply(subject)
    }
  }

  /** Resolves when all of these runs have ended, at the latest after two seconds; undefined for none. */
  waitForRunsToEnd(targets: readonly Cancellable[]): Promise<void> | undefined {
    const { tree } = this.#session
    const hasEnded = (target: Cancellable): boolean | undefined =>
      (isRun(target) ? tree.runs.get(target.runId) : runOf(tree, target))?.hasEnded
    return targets.length > 0 ? this.#session.waits.until(() => targets.every(hasEnded), endLimit) : undefined
  }

  /** An own cancel counts until its row has arrived; then the row does, also when policy refuses it. */
  #ownOf(key: string): Cancelling | undefined {
    const own = this.#own.get(key)
    if (own?.serial === undefined || !this.#session.tree.log.get(own.serial)) return own?.cancelling
    this.#own.delete(key)
    return undefined
  }

  #set(key: string, own: { cancelling: Cancelling; serial?: string } | undefined): void {
    const { tree } = this.#session
    if (own) this.#own.set(key, own)
    else this.#own.delete(key)
    const run = tree.runs.get(key) ?? runOf(tree, { inputId: key })
    if (run) this.apply(run)
    this.#session.touch(subjectOf(tree, { inputId: key }))
  }

  /** Reviews a run that has changed. */
  apply(run: RunNode<M>): void {
    const cancel = run.hasEnded ? undefined : this.#session.tree.cancels.of(run)[0]
    const key = this.#own.has(run.key) ? run.key : (run.inputId ?? '')
    if (cancel || run.hasEnded) this.#own.delete(key)
    if (!cancel) this.#watched.delete(run)
    const state = cancel ? this.#stateOf(run, cancel) : this.#ownOf(key)
    if (run.snapshot.setCancelState(state)) this.#session.touch(run)
  }

  #stateOf(run: RunNode<M>, cancel: Row): Partial<Cancelling> | undefined {
    const isUnanswered = this.#isUnanswered(run, cancel)
    const wake = this.#wake(run)
    return isUnanswered || wake ? { ...(isUnanswered && { unanswered: true }), ...(wake && { wake }) } : undefined
  }

  /** Wakes an agent for an own cancel that no live agent can hear; it ends the run. */
  #wake(run: RunNode<M>): WakeInfo | undefined {
    const { options, tree, channel } = this.#session
    if (!options.agent) return undefined
    const own = tree.cancels.of(run).filter(({ clientId }) => clientId === channel.clientId)
    // NOTE: one wake at a time; a Stop that is pressed again makes up for a wake that has failed
    const cancel = own.findLast((row) => this.#isWoken(row)) ?? own.at(-1)
    const eventId = cancel?.transport[Header.eventId]
    if (!cancel || eventId === undefined || tree.info(run).cancelling?.refused) return undefined
    const known = this.#wakes.infoOf(eventId)
    if ((known && !this.#isOverdue(eventId, run)) || !this.#isUnheard(run, cancel)) return known
    return this.#wakes.wake({ eventId, inputId: eventId, runId: run.key }, (error) => this.#session.report(error))
  }

  /** Whether an agent is being woken for a cancel, or was. */
  #isWoken({ transport }: Row): boolean {
    const wake = this.#wakes.infoOf(transport[Header.eventId] ?? '')
    return wake !== undefined && wake.state !== 'failed'
  }

  /** Whether an agent was woken for a cancel a minute ago, and has not ended the run: the run's own agent was there then. */
  #isOverdue(eventId: string, run: RunNode<M>): boolean {
    const acceptedAt = this.#wakes.acceptedAt(eventId)
    return acceptedAt !== undefined && this.#session.deadlines.isDue(acceptedAt + foreignSilenceLimit, run)
  }

  /** Whether no live agent can hear a cancel: the run is suspended or stalled, or its agent has been silent for long. */
  #isUnheard(run: RunNode<M>, cancel: Row): boolean {
    const { deadlines, isInStep } = this.#session
    if (!isInStep) return false
    if (run.state.status === 'suspended') return deadlines.isDue(deadlines.since(cancel) + suspendedLimit, run)
    if (isNamedByPresence(run)) return run.snapshot.isStalled
    return deadlines.isDue((this.#watched.get(run)?.at ?? Date.now()) + foreignSilenceLimit, run)
  }

  #isUnanswered(run: RunNode<M>, cancel: Row): boolean {
    const { deadlines, isInStep } = this.#session
    const version = run.newestVersion
    let sign = this.#watched.get(run)
    if (!sign) this.#watched.set(run, (sign = { version: cancel.serial, at: deadlines.since(cancel) }))
    if (version > sign.version || !isInStep) Object.assign(sign, { version, at: Date.now() })
    if (!deadlines.isDue(sign.at + answerLimit, run)) return false
    // A run that shows a sign of life after all is noticed a little later
    deadlines.remind(Date.now() + answerLimit, run)
    return true
  }
}
