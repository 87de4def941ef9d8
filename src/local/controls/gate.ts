import type { Restore } from './publish-rules'

/** A client that wants to connect. */
export interface Caller {
  clientId?: string
  /** The connection it wants to resume. */
  connectionId?: string
}

/** Decides which clients may connect, as test controls have set. */
export class Gate {
  readonly #barred = new Set<(caller: Caller) => boolean>()
  #refusals = new Set<{ left: number }>()

  /** Whether a caller may connect at all. */
  mayConnect(caller: Caller): boolean {
    return ![...this.#barred].some((isBarred) => isBarred(caller))
  }

  /** Whether a connection may be resumed. Each call uses up one refusal. */
  mayResume(): boolean {
    for (const refusal of this.#refusals) {
      if (--refusal.left <= 0) this.#refusals.delete(refusal)
      return false
    }
    return true
  }

  /** Refuses callers for so many ms, or until restored. */
  bar(isBarred: (caller: Caller) => boolean, ms: number): Restore {
    this.#barred.add(isBarred)
    const restore = () => void this.#barred.delete(isBarred)
    if (Number.isFinite(ms)) setTimeout(restore, ms).unref()
    return restore
  }

  /** Refuses the next resumes. */
  refuseResume(times: number): Restore {
    const refusal = { left: times }
    this.#refusals.add(refusal)
    return () => void this.#refusals.delete(refusal)
  }
}
