import { badRequest, ErrorCode, toSessionError } from '../core/errors'
import { newId, Header, headers, MessageName } from '../core/wire'
import { isStopping, requestOf, type Cancelling, type RunInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { hasEnded } from '../core/run-state'
import type { SessionContext } from './context'
import { runOf, subjectOf, type PendingInput, type Submission, type Target, type Trigger } from './submission'
import type { Wakes } from './wake'

/** A run by its id, or an input without a run by its message id; an entry of `pending()` will do. */
export type CancelTarget = string | Target

/** A run or a pending input, as a view shows it. */
export type Cancellable = RunInfo | PendingInput

/** The id of a cancel target. @throws SessionError 40003 when it has none */
export function checkedId(target: CancelTarget): string {
  // NOTE: apps without types pass anything
  const id: unknown = typeof target === 'string' ? target : (target?.runId ?? target?.inputId)
  if (typeof id === 'string' && id !== '') return id
  const why =
    id === ''
      ? 'the id is empty, as that of a run is until it has started: cancel it by { inputId }'
      : 'it takes the id of a run, or { inputId } of a prompt, as in cancel(run.runId)'
  throw badRequest('cancel the run', why)
}

/** How long a send with `waitFor: 'ended'` waits for the runs it interrupts, in milliseconds. */
const endLimit = 2000

/** How long a cancel may go without a sign of the agent, in milliseconds. */
export const answerLimit = 5000

/** The cancels that this session publishes, and the runs and inputs that they are for. */
export class Cancellations<M extends object> {
  readonly #session: SessionContext<M>
  readonly #wakes: Wakes<M>
  /** Own cancels, by run or message id, until their row arrives; with a serial once the channel has them. */
  readonly #own = new Map<string, { readonly cancelling: Cancelling; readonly serial?: string }>()

  constructor(session: SessionContext<M>, wakes: Wakes<M>) {
    this.#session = session
    this.#wakes = wakes
  }

  /**
   * Publishes a cancel; resolves when the channel has it.
   *
   * @param submission - The input that is to be cancelled, if this session has sent it. The cancel comes behind it.
   */
  cancel(target: Partial<Trigger>, submission?: Submission): Promise<void> {
    return this.#session.waits.whileSending(() => this.#cancel(target, submission))
  }

  async #cancel({ runId, inputId, eventId = '' }: Partial<Trigger>, submission?: Submission): Promise<void> {
    const session = this.#session
    const { device } = session.options
    const key = runId ?? inputId!
    const turn = submission?.waitsFor
    const request = (): Cancelling => ({ by: session.channel.clientId, at: Date.now(), ...(device && { device }) })
    const published = session.act(() => {
      this.#set(key, { cancelling: { ...request(), pending: true } })
      const publish = () => this.#publish({ runId, inputId })
      return turn ? turn.then(publish) : publish()
    })
    try {
      let serial = await published
      // NOTE: the channel can refuse an input for the rate but take the cancel behind it, which then does not count
      if (serial && (await submission?.isBehind(serial))) serial = await this.#publish({ runId, inputId })
      session.act(() => {
        this.#set(key, { cancelling: request(), serial })
        if (inputId !== undefined && !runOf(session.tree, { inputId, runId }))
          this.#wakes.abandon({ inputId, runId, eventId })
      })
    } catch (cause) {
      session.act(() => this.#set(key, undefined))
      throw toSessionError('cancel the run', ErrorCode.SendFailed, cause)
    }
  }

  async #publish({ runId, inputId }: Partial<Trigger>): Promise<string | undefined> {
    const { options, outbox } = this.#session
    const id = newId()
    const transport = headers({
      [Header.eventId]: id,
      [Header.runId]: runId,
      [Header.inputId]: inputId,
      [Header.device]: options.device,
    })
    const [serial] = await outbox.publish([{ id: `${id}:0`, name: MessageName.cancel, extras: { ai: { transport } } }])
    return serial
  }

  /**
   * The runs and inputs among these that this client may cancel. Not those that are being cancelled, nor inputs
   * whose agent cannot be woken.
   */
  targets(runs: readonly RunInfo[], pending: readonly PendingInput[]): Cancellable[] {
    const { tree, channel } = this.#session
    const mayCancel = (owner: string | undefined): boolean => tree.access.allows('cancel', channel.clientId, owner)
    const open = runs.filter((run) => !hasEnded(run.status) && !isStopping(run))
    const inputs = pending.filter(
      ({ runId, cancelling, wake, clientId }) =>
        runId === undefined && !cancelling && wake?.state !== 'failed' && mayCancel(clientId),
    )
    return [...open.filter(({ runId }) => mayCancel(tree.runs.get(runId)?.owner)), ...inputs]
  }

  /** The cancel of an input that has no run yet. */
  ofInput(inputId: string): Cancelling | undefined {
    const { tree, deadlines } = this.#session
    const [cancel] = tree.cancels.ofInput(inputId)
    if (!cancel) return this.#unheard(inputId)
    const subject = subjectOf(tree, { inputId })
    const isUnanswered = this.#session.isLate(subject, deadlines.since(cancel) + answerLimit)
    return { ...requestOf(cancel), ...(isUnanswered && { unanswered: true }) }
  }

  /** Resolves when all of these runs have ended, at the latest after two seconds; undefined for none. */
  waitForRunsToEnd(ids: readonly string[]): Promise<unknown> | undefined {
    const hasEnded = (id: string): boolean | undefined => this.#runAt(id)?.hasEnded
    return ids.length > 0 ? this.#session.waits.until(() => ids.every(hasEnded), endLimit) : undefined
  }

  /** The run with this id, or that of the input with it. */
  #runAt(id: string): RunNode<M> | undefined {
    const { tree } = this.#session
    return tree.runs.get(id) ?? tree.latestRunOf(id)
  }

  /** The own cancel of a run until its row arrives. */
  ownOfRun(run: RunNode<M>): Cancelling | undefined {
    const key = this.#own.has(run.key) ? run.key : (run.inputId ?? '')
    if (run.hasEnded || this.#session.tree.cancels.of(run).length > 0) this.#own.delete(key)
    return this.#unheard(key)
  }

  /** An own cancel counts until its row has arrived; then the row does, also when policy refuses it. */
  #unheard(key: string): Cancelling | undefined {
    const own = this.#own.get(key)
    if (own?.serial === undefined || !this.#session.tree.log.get(own.serial)) return own?.cancelling
    this.#own.delete(key)
    return undefined
  }

  #set(key: string, own: { cancelling: Cancelling; serial?: string } | undefined): void {
    if (own) this.#own.set(key, own)
    else this.#own.delete(key)
    const run = this.#runAt(key)
    if (run) this.#session.touch(run)
    this.#session.touch(subjectOf(this.#session.tree, { inputId: key }))
  }
}
