import { MultiMap } from '../core/collections'
import { warn } from '../core/diagnostics'
import { badRequest, ErrorCode, toSessionError } from '../core/errors'
import type { RunNode } from '../core/run-node'
import type { RunEndReason } from '../core/run-state'
import { deferred, type Deferred } from '../core/signals'
import { newId } from '../core/wire'
import type { SessionContext } from './context'
import { encodeInput, newMessage, type SendInput } from './placed-input'

/** The outcome of a steer. */
export interface SteerOutcome {
  /** Whether the agent took it into account. */
  readonly consumed: boolean
  /** How the run ended; undefined when the run was only suspended. */
  readonly runTerminalReason?: RunEndReason
}

/** A message sent into a running reply. Its promises never cause an unhandled rejection. */
export interface Steer {
  /** The id of its message, which appears in the conversation once the channel has it. */
  readonly id: string
  /**
   * Resolves with its serial when the channel has it. Rejects with code 40003 when the run has ended, 104005 when it
   * could not be published, 104004 when the session is closed.
   */
  readonly published: Promise<string>
  /**
   * Resolves when the run has ended, or was suspended after it took the steer into account. Rejects as `published`
   * does.
   */
  readonly outcome: Promise<SteerOutcome>
}

interface PendingSteer {
  readonly inputId: string
  readonly outcome: Deferred<SteerOutcome>
  fail(error: unknown): void
}

/** The messages that this client has sent into running replies, until their outcome is known. */
export class SentSteers<M extends object> {
  readonly #session: SessionContext<M>
  readonly #steers = new MultiMap<PendingSteer>()

  constructor(session: SessionContext<M>) {
    this.#session = session
  }

  /** Sends a message into a run while it is active. @param runId - may be a promise, for a run that has not started */
  send(runId: string | Promise<string>, given: SendInput<M>): Steer {
    const id = newId()
    const published = deferred<string>()
    const outcome = deferred<SteerOutcome>()
    const fail = (error: unknown): void => {
      published.reject(error)
      outcome.reject(error)
    }
    const send = (run: string): Promise<string> => this.#steer(run, given, { inputId: id, outcome, fail })
    // NOTE: at once where possible, so that steers are published in the order of the calls
    ;(runId instanceof Promise ? runId.then(send) : send(runId)).then(published.resolve, fail)
    return { id, published: published.promise, outcome: outcome.promise }
  }

  /** Settles the steers of a run that has changed. */
  apply(run: RunNode<M>): void {
    const { status } = run.state
    if (status === 'active') return
    for (const steer of this.#steers.of(run.key).slice()) {
      const consumed = run.steerState(steer.inputId) === 'consumed'
      if (status === 'suspended' && !consumed) continue
      this.#steers.remove(run.key, steer)
      steer.outcome.resolve({ consumed, ...(status !== 'suspended' && { runTerminalReason: status }) })
    }
  }

  close(error: unknown): void {
    for (const steer of this.#steers.values()) steer.fail(error)
  }

  async #steer(runId: string, given: SendInput<M>, steer: PendingSteer): Promise<string> {
    const { channel, options, tree, outbox } = this.#session
    this.#session.checkOpen('steer the run')
    const known = tree.runs.get(runId)
    // NOTE: rows of a run may be known before its start
    const run = known?.visible ? known : undefined
    if (!run) warn('steerUnknown', runId)
    if (!run || run.hasEnded || run.isEnding) {
      throw badRequest('steer the run', run ? 'it has ended' : `there is no run "${runId}"`)
    }
    const [input] = newMessage(tree.codec, given)
    const place = { runId, messageId: steer.inputId }
    const { messages } = encodeInput(tree.codec, input!, place, channel.clientId, options.device)
    this.#steers.add(runId, steer)
    try {
      const [serial = ''] = await outbox.publish(messages)
      return serial
    } catch (cause) {
      this.#steers.remove(runId, steer)
      throw toSessionError('steer the run', ErrorCode.SendFailed, cause)
    }
  }
}
