import { deferred } from '../core/deferred'
import { ErrorCode, type SessionError } from '../core/errors'
import type { RunInfo } from '../core/run-info'
import type { RunEndReason, RunError } from '../core/run-state'

/** How a run ended. */
export interface RunResult {
  reason: RunEndReason
  /** Present when `reason` is `error`. */
  error?: RunError
}

/** What is promised to who sent something: that a run starts with it, and ends. */
export class RunPromises {
  #started = deferred()
  #finished = deferred<RunResult>()
  /** Why nobody wakes an agent for it any more. */
  #reason: SessionError | undefined

  get started(): Promise<void> {
    return this.#started.promise
  }

  get finished(): Promise<RunResult> {
    return this.#finished.promise
  }

  /** Keeps what the run has kept; true when that is all, since it has ended. */
  follow({ status, error }: RunInfo): boolean {
    this.#started.resolve()
    if (status === 'active' || status === 'suspended') return false
    this.#finished.resolve({ reason: status, ...(error && { error }) })
    return true
  }

  /** Promises again what was given up. */
  renew(): void {
    if (this.#reason) this.#started = deferred()
    if (this.#reason?.code === ErrorCode.Cancelled) this.#finished = deferred()
    this.#reason = undefined
  }

  /** Tells that the start will not come; nor an end, unless an agent may still be woken for it. */
  giveUp(reason: SessionError): void {
    this.#reason = reason
    this.#started.reject(reason)
    if (reason.code === ErrorCode.Cancelled) this.#finished.resolve({ reason: 'cancelled' })
    if (reason.code === ErrorCode.Closed) this.#finished.reject(reason)
  }
}
