import { deferred, type Deferred } from '../core/deferred'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import type { RunEndReason } from '../core/run-state'
import type { RunNode } from '../core/run-node'
import { outgoing } from './outgoing'
import { newMessage, type SendInput } from './placement'
import type { Shared } from './shared'

/** What became of a steer. */
export interface SteerOutcome {
  /** Whether the agent took it into account. */
  readonly consumed: boolean
  /** How the run ended; undefined when it has only been suspended. */
  readonly runTerminalReason?: RunEndReason
}

/** Something said into a run that goes on. Its promises never cause an unhandled rejection. */
export interface Steer {
  /**
   * Resolves with its serial when the channel has it. Rejects with code 40003 when the run has ended, 104005 when it could
   * not be published, 104004 when the session is closed.
   */
  readonly published: Promise<string>
  /** Resolves when the run has ended, or is suspended after it was taken into account. Rejects as `published` does. */
  readonly outcome: Promise<SteerOutcome>
}

interface Waiting {
  readonly runId: string
  readonly inputId: string
  readonly outcome: Deferred<SteerOutcome>
  fail(error: unknown): void
}

/** What has been said into runs, until it is known what became of it. */
export class Steers<M extends object> {
  readonly #waiting = new Set<Waiting>()

  constructor(private readonly shared: Shared<M>) {}

  /** Says something into a run, whose id may still have to come. */
  steer(runId: string | Promise<string>, given: SendInput<M>): Steer {
    const published = deferred<string>()
    const outcome = deferred<SteerOutcome>()
    const fail = (error: unknown): void => {
      published.reject(error)
      outcome.reject(error)
    }
    const say = (id: string): Promise<string> => this.#publish(id, given, { outcome, fail })
    // NOTE: at once where that is possible, so that what is said first goes out first
    ;(typeof runId === 'string' ? say(runId) : runId.then(say)).then(published.resolve, fail)
    return { published: published.promise, outcome: outcome.promise }
  }

  /** Settles what a run's state decides. */
  follow(run: RunNode<M>): void {
    const { status } = run.state
    if (status === 'active') return
    for (const waiting of this.#waiting) {
      if (waiting.runId !== run.key) continue
      const consumed = run.steers.get(waiting.inputId) === 'consumed'
      if (status === 'suspended' && !consumed) continue
      this.#waiting.delete(waiting)
      waiting.outcome.resolve({ consumed, ...(status !== 'suspended' && { runTerminalReason: status }) })
    }
  }

  close(error: SessionError): void {
    for (const { fail } of this.#waiting) fail(error)
    this.#waiting.clear()
  }

  async #publish(runId: string, given: SendInput<M>, teller: Pick<Waiting, 'outcome' | 'fail'>): Promise<string> {
    const { channel, tree, outbox, checkOpen } = this.shared
    checkOpen()
    const run = tree.runs.get(runId)
    if (!run || run.hasEnded || run.isEnding) throw refusal(run ? 'it has ended' : `there is no run "${runId}"`)
    const [input] = newMessage(tree.codec, given)
    const { inputId, messages } = outgoing(tree.codec, input!, { runId }, channel.clientId)
    const waiting = { runId, inputId, ...teller }
    this.#waiting.add(waiting)
    try {
      const [serial = ''] = await outbox.publish(messages)
      return serial
    } catch (cause) {
      this.#waiting.delete(waiting)
      throw toSessionError('steer the run', ErrorCode.SendFailed, cause)
    }
  }
}

const refusal = (why: string): SessionError => new SessionError(`unable to steer the run; ${why}`, ErrorCode.BadRequest)
